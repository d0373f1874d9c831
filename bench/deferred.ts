/**
 * What a Deferred costs beside a native Promise: time and bytes of one with three callbacks, and of an `await`.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Deferred } from "adbapi/defer";
import { median, verdict } from "./harness.js";

const ROUNDS = 15;
const BATCH = 20_000;

interface Subject {
  readonly name: string;
  /** Makes one, with all its callbacks, and does not fire it. */
  readonly make: () => unknown;
  /** Makes and fires a whole batch, and comes back when the last callback has run. */
  readonly runBatch: () => Promise<void>;
}

const addOne = (value: number): number => value + 1;

/** Whatever is needed to fire them later stays alive while the bytes are counted. */
let kept: unknown[] = [];

const subjects: readonly Subject[] = [
  {
    name: "Promise, three then",
    make: () => new Promise<number>((resolve) => keep(resolve)).then(addOne).then(addOne).then(addOne),
    runBatch: async () => {
      let last: Promise<number> | undefined;
      for (let i = 0; i < BATCH; i += 1) {
        let fire!: (value: number) => void;
        last = new Promise<number>((resolve) => {
          fire = resolve;
        })
          .then(addOne)
          .then(addOne)
          .then(addOne);
        fire(i);
      }
      await last;
    },
  },
  {
    name: "Deferred, three addCallback",
    make: () => keep(new Deferred<number>()).addCallback(addOne).addCallback(addOne).addCallback(addOne),
    runBatch: async () => {
      for (let i = 0; i < BATCH; i += 1) {
        const deferred = new Deferred<number>();
        deferred.addCallback(addOne).addCallback(addOne).addCallback(addOne);
        deferred.callback(i);
      }
    },
  },
  {
    name: "await of a Promise",
    make: () => new Promise<number>((resolve) => keep(resolve)).then(addOne),
    runBatch: async () => {
      for (let i = 0; i < BATCH; i += 1) {
        let fire!: (value: number) => void;
        const promise = new Promise<number>((resolve) => {
          fire = resolve;
        });
        queue(() => fire(i));
        await promise;
      }
    },
  },
  {
    name: "await of a Deferred",
    make: () => keep(new Deferred<number>()).then(addOne),
    runBatch: async () => {
      for (let i = 0; i < BATCH; i += 1) {
        const deferred = new Deferred<number>();
        queue(() => deferred.callback(i));
        await deferred;
      }
    },
  },
];

/** As a pool does: the Deferred is awaited before it fires. */
function queue(fire: () => void): void {
  Promise.resolve().then(nothing).then(nothing).then(fire);
}

function nothing(): void {}

function collect(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

function keep<T>(means: T): T {
  kept.push(means);
  return means;
}

async function nanosOf(subject: Subject): Promise<number> {
  const start = process.hrtime.bigint();
  await subject.runBatch();
  return Number(process.hrtime.bigint() - start) / BATCH;
}

function bytesOf(subject: Subject): number {
  kept = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < BATCH; i += 1) kept.push(subject.make());
  collect();
  return (process.memoryUsage().heapUsed - before) / BATCH;
}

export default async function question(): Promise<string> {
  const nanos = new Map(subjects.map((subject) => [subject, [] as number[]]));
  for (let round = 0; round < ROUNDS; round += 1) {
    // Turn and turn about, so that a slow moment of the machine is no one's alone.
    for (const subject of subjects) nanos.get(subject)!.push(await nanosOf(subject));
  }
  const figures = subjects.map((subject) => ({
    name: subject.name,
    time: median(nanos.get(subject)!.slice(3)),
    bytes: median(Array.from({ length: 7 }, () => bytesOf(subject))),
  }));
  const rows = figures.map(
    ({ name, time, bytes }) => `| ${name} | ${time.toFixed(0)} | ${bytes.toFixed(0)} |`,
  );
  const [promise, deferred] = figures as [(typeof figures)[0], (typeof figures)[0]];
  const chain = "a Deferred with three callbacks takes";
  return [
    "### Deferred beside Promise",
    "",
    "| | ns each | bytes each |",
    "| --- | ---: | ---: |",
    ...rows,
    "",
    `- ${verdict(deferred.time <= promise.time)}: ${chain} ${(deferred.time / promise.time).toFixed(2)} of the time of the chain of Promises (budget 1)`,
    `- ${verdict(deferred.bytes <= promise.bytes)}: ${chain} ${(deferred.bytes / promise.bytes).toFixed(2)} of its memory (budget 1)`,
    "",
  ].join("\n");
}
