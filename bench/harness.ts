/** Measures contenders side by side: in turn, in one process, the median of several rounds. */
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";

/** One way to do the work of a question. */
export interface Contender {
  readonly name: string;
  /** Does one piece of the work. */
  once(n: number): PromiseLike<unknown> | unknown;
  /** In place of `once`, for a program outside: gives pieces of work per second. */
  outside?(millis: number): Promise<number>;
  /** Called around each of its turns. */
  before?(): void;
  after?(): void;
  close(): PromiseLike<unknown> | unknown;
}

export interface Figures {
  readonly name: string;
  /** Pieces of work per second, each round's. */
  readonly rates: readonly number[];
  /** CPU of this process for one piece, in microseconds. */
  readonly cpuMicros: number;
  /** CPU of the main thread for one piece, in microseconds, each round's. */
  readonly mainMicros: readonly number[];
  /** How much of the time the main thread was busy, 0 to 1. */
  readonly busy: number;
}

/**
 * - `least`: ours must be at least so many times as fast as the peer;
 * - `mostMicros`: a piece of ours may take at most so much CPU;
 * - `mostMore`: it may take at most so many microseconds more of it than the peer's;
 * - `mostOfMain`: it may take at most so much of the main thread's time that the peer's takes;
 * - `mostBusy`: at `times` the peer's rate, ours may keep the main thread busy for at most so much of the time.
 */
export type Budget = { readonly ours: string } & (
  | { readonly mostMicros: number }
  | ({ readonly peer: string } & (
      | { readonly least: number }
      | { readonly mostMore: number }
      | { readonly mostOfMain: number }
      | { readonly mostBusy: number; readonly times: number }
    ))
);

export interface Question {
  readonly title: string;
  /** Pieces of work under way at once. */
  readonly concurrency: number;
  readonly contenders: readonly Contender[];
  readonly budgets?: readonly Budget[];
  readonly rounds?: number;
  readonly millis?: number;
  /** Whether it is in the picture. Default true. */
  readonly drawn?: boolean;
}

/** What a question gave, as data. */
export interface Measured {
  readonly title: string;
  /** Ours first. */
  readonly figures: readonly Figures[];
}

/** What was measured in this run and belongs in the picture, in order. */
export const measured: Measured[] = [];

/** Runs a question, and gives its part of the report, in Markdown. */
export async function compare(question: Question): Promise<string> {
  const { title, contenders, concurrency, rounds = 5, millis = 700 } = question;
  const samples = new Map(contenders.map(({ name }) => [name, [] as Sample[]]));
  for (const contender of contenders) await sample(contender, concurrency, millis);
  for (let round = 0; round < rounds; round++) {
    for (const contender of turned(contenders, round)) {
      samples.get(contender.name)!.push(await sample(contender, concurrency, millis));
    }
  }
  for (const contender of contenders) await contender.close();
  const figures = contenders.map(({ name }) => figuresOf(name, samples.get(name)!));
  if (question.drawn !== false) measured.push({ title, figures });
  return [`### ${title}`, "", table(figures), "", ...verdicts(question, figures), ""].join("\n");
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The ratio of two contenders, round by round: drifts of the machine cancel out. */
export function ratio(ours: Figures, peer: Figures): number {
  return median(ours.rates.map((rate, round) => rate / peer.rates[round]!));
}

interface Sample {
  readonly rate: number;
  readonly cpuMicros: number;
  readonly mainMicros: number;
  readonly busy: number;
}

async function sample(contender: Contender, concurrency: number, millis: number): Promise<Sample> {
  if (contender.outside !== undefined) {
    const rate = await contender.outside(millis);
    return { rate, cpuMicros: Number.NaN, mainMicros: Number.NaN, busy: Number.NaN };
  }
  let done = 0;
  contender.before?.();
  const cpu = process.cpuUsage();
  const main = mainThreadMicros();
  const loop = performance.eventLoopUtilization();
  const begin = performance.now();
  const end = begin + millis;
  const worker = async (first: number) => {
    for (let n = first; performance.now() < end; n += concurrency) {
      await contender.once(n);
      done++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, first) => worker(first)));
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const { utilization } = performance.eventLoopUtilization(loop);
  const mainMicros = (mainThreadMicros() - main) / done;
  contender.after?.();
  return { rate: done / seconds, cpuMicros: (user + system) / done, mainMicros, busy: utilization };
}

/**
 * What Linux tells of this thread, without the time that it waited for a core; elsewhere how long its event loop was
 * busy.
 */
function mainThreadMicros(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1_000;
  } catch {
    return performance.eventLoopUtilization().active * 1_000;
  }
}

function figuresOf(name: string, samples: readonly Sample[]): Figures {
  return {
    name,
    rates: samples.map(({ rate }) => rate),
    cpuMicros: median(samples.map(({ cpuMicros }) => cpuMicros)),
    mainMicros: samples.map(({ mainMicros }) => mainMicros),
    busy: median(samples.map(({ busy }) => busy)),
  };
}

function table(figures: readonly Figures[]): string {
  const first = figures[0]!;
  const rows = figures.map((one) => {
    const times = one === first ? "1" : ratio(one, first).toFixed(2);
    return `| ${one.name} | ${count(median(one.rates))}/s | ${times} | ${figure(one.cpuMicros, 1, " µs")} | ${figure(median(one.mainMicros), 1, " µs")} | ${figure(one.busy, 2)} |`;
  });
  return [
    "| | median | ratio to the first | CPU each | main thread each | main thread busy |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
    ...rows,
  ].join("\n");
}

function verdicts({ budgets = [] }: Question, figures: readonly Figures[]): string[] {
  const of = (name: string) => figures.find((one) => one.name === name)!;
  return budgets.map((budget) => {
    const { met, what, limit } = judged(budget, of);
    return `- ${verdict(met)}: ${what} (budget ${limit})`;
  });
}

function judged(
  budget: Budget,
  of: (name: string) => Figures,
): { readonly met: boolean; readonly what: string; readonly limit: string } {
  const ours = of(budget.ours);
  if ("mostMicros" in budget) {
    const { mostMicros } = budget;
    const what = `${ours.name} takes ${ours.cpuMicros.toFixed(1)} µs each`;
    return { met: ours.cpuMicros <= mostMicros, what, limit: `${mostMicros} µs` };
  }
  const peer = of(budget.peer);
  if ("least" in budget) {
    const { least } = budget;
    const reached = ratio(ours, peer);
    const what = `${ours.name} is ${reached.toFixed(2)} × ${peer.name}`;
    const limit = `${least} ×`;
    const undecided = reached < least && ours.rates.some((rate, round) => rate / peer.rates[round]! >= least);
    if (!undecided) return { met: reached >= least, what, limit };
    const byCpu = peer.cpuMicros / ours.cpuMicros;
    return {
      met: byCpu >= least,
      what: `${what} by the clock, which is too noisy, ${byCpu.toFixed(2)} × by CPU time`,
      limit,
    };
  }
  if ("mostMore" in budget) {
    const more = ours.cpuMicros - peer.cpuMicros;
    const what = `"${ours.name}" takes ${more.toFixed(2)} µs more than "${peer.name}"`;
    return { met: more <= budget.mostMore, what, limit: `${budget.mostMore} µs` };
  }
  if ("mostOfMain" in budget) {
    const taken = median(ours.mainMicros.map((micros, round) => micros / peer.mainMicros[round]!));
    const what = `${ours.name} takes ${taken.toFixed(2)} of the main thread's time that ${peer.name} takes`;
    return { met: taken <= budget.mostOfMain, what, limit: `${budget.mostOfMain}` };
  }
  const { times, mostBusy } = budget;
  const busy = median(
    ours.mainMicros.map((micros, round) => (micros * times * peer.rates[round]!) / 1_000_000),
  );
  const what = `at ${times} × the rate of ${peer.name}, ${ours.name} keeps the main thread busy for ${busy.toFixed(2)} of the time`;
  return { met: busy <= mostBusy, what, limit: `${mostBusy}` };
}

export function verdict(met: boolean): string {
  return met ? "met" : "**missed**";
}

function figure(value: number, digits: number, unit = ""): string {
  return Number.isNaN(value) ? "–" : `${value.toFixed(digits)}${unit}`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US").replaceAll(",", " ");
}

function turned<T>(list: readonly T[], by: number): T[] {
  return list.map((_, index) => list[(index + by) % list.length]!);
}
