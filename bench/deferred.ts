/**
 * What a Deferred costs beside a native Promise: time and bytes of one with three callbacks, and of an `await`.
 * Run with `npx tsx --expose-gc bench/deferred.ts` after `npm run build`.
 */
import { Deferred } from "adbapi/defer";

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
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < BATCH; i += 1) kept.push(subject.make());
  globalThis.gc?.();
  return (process.memoryUsage().heapUsed - before) / BATCH;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const nanos = new Map(subjects.map((subject) => [subject, [] as number[]]));
for (let round = 0; round < ROUNDS; round += 1) {
  // Turn and turn about, so that a slow moment of the machine is no one's alone.
  for (const subject of subjects) nanos.get(subject)!.push(await nanosOf(subject));
}

console.log(`| Node.js ${process.version} | ns each | bytes each |\n| --- | ---: | ---: |`);
for (const subject of subjects) {
  const time = median(nanos.get(subject)!.slice(3));
  const bytes = median(Array.from({ length: 7 }, () => bytesOf(subject)));
  console.log(
    `| ${subject.name} | ${time.toFixed(0)} | ${globalThis.gc === undefined ? "?" : bytes.toFixed(0)} |`,
  );
}
