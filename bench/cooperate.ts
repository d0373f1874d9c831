/**
 * How late a timer of 5 ms comes while `coiterate` works off a mixed batch of a million steps: long tasks and
 * short ones, steps that wait for a Deferred or a promise, and some that take a millisecond.
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
interface Late {
  readonly clock: number;
  readonly own: number;
}

export default async function question(): Promise<string> {
  const lateness: Late[] = [];
  let begun = performance.now();
  let usage = process.cpuUsage();
  const onTimer = () => {
    const { user, system } = process.cpuUsage(usage);
    const clock = performance.now() - begun - TIMER_MILLIS;
    lateness.push({ clock, own: Math.max(Math.min(clock, (user + system) / 1000 - TIMER_MILLIS), 0) });
    begun = performance.now();
    usage = process.cpuUsage();
    timer = setTimeout(onTimer, TIMER_MILLIS);
  };
  const start = begun;
  let timer = setTimeout(onTimer, TIMER_MILLIS);
  await gatherResults(Array.from({ length: TASKS }, (_, task) => coiterate(mixed(task))));
  const nanos = ((performance.now() - start) * 1e6) / STEPS;
  clearTimeout(timer);
  const rows = (["clock", "own"] as const).map((by) => {
    const sorted = lateness.map((late) => late[by]).sort((x, y) => x - y);
    const at = (share: number): string => `${sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(1)} ms`;
    return `| ${by === "clock" ? "by the clock" : "by this process's own work"} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`;
  });
  return [
    `### A timer of ${TIMER_MILLIS} ms beside ${TASKS} tasks of ${STEPS / TASKS} steps (${nanos.toFixed(0)} ns a step)`,
    "",
    "| late | median | p99 | most |",
    "| --- | ---: | ---: | ---: |",
    ...rows,
    "",
  ].join("\n");
}
