/**
 * How late a timer of 5 ms comes while `coiterate` works off a mixed batch of a million steps: long tasks and
 * short ones, steps that wait for a Deferred or a promise, and some that take a millisecond.
 * Run with `npx tsx bench/cooperate.ts` after `npm run build`.
 */
import { coiterate, Deferred, gatherResults, succeed } from "adbapi/defer";

const STEPS = 1_000_000;
const TASKS = 200;
const TIMER_MILLIS = 5;

function* mixed(task: number): Generator<unknown> {
  for (let i = 0; i < STEPS / TASKS; i += 1) {
    if (i % 1000 === 7) yield Promise.resolve(i);
    else if (i % 1000 === 77) yield fired(i);
    else if (i % 100 === 50) yield succeed(i);
    else {
      if (i % 5000 === task % 5000) spin(1);
      yield;
    }
  }
}

function fired(value: number): Deferred<number> {
  const deferred = new Deferred<number>();
  setImmediate(() => deferred.callback(value));
  return deferred;
}

function spin(millis: number): void {
  const end = performance.now() + millis;
  while (performance.now() < end);
}

/** Milliseconds late by the clock, and how much of them this process was at work: a busy machine adds to the first. */
const lateness: { readonly clock: number; readonly own: number }[] = [];
let begun = performance.now();
let usage = process.cpuUsage();
let timer = setTimeout(onTimer, TIMER_MILLIS);

function onTimer(): void {
  const { user, system } = process.cpuUsage(usage);
  const clock = performance.now() - begun - TIMER_MILLIS;
  lateness.push({ clock, own: Math.max(Math.min(clock, (user + system) / 1000 - TIMER_MILLIS), 0) });
  begun = performance.now();
  usage = process.cpuUsage();
  timer = setTimeout(onTimer, TIMER_MILLIS);
}

const start = performance.now();
await gatherResults(Array.from({ length: TASKS }, (_, task) => coiterate(mixed(task))));
const millis = performance.now() - start;
clearTimeout(timer);

console.log("| steps | tasks | ms in all | ns a step | timers | late | median | p99 | most |");
console.log("| ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |");
for (const by of ["clock", "own"] as const) {
  const sorted = lateness.map((late) => late[by]).sort((x, y) => x - y);
  const at = (share: number): string => `${sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(1)} ms`;
  const whose = by === "clock" ? "by the clock" : "by this process's own work";
  const work = `${STEPS} | ${TASKS} | ${millis.toFixed(0)} | ${((millis * 1e6) / STEPS).toFixed(0)} | ${sorted.length}`;
  console.log(`| ${work} | ${whose} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`);
}
