/** What is counted on the way, for each driver. */
export const COUNTED = [
  "statements",
  "interactions",
  "streams",
  "server kills",
  "session kills",
  "thread deaths",
  "cuts",
  "stalls",
  "cancels",
  "timeouts",
  "retries",
  "failures",
  "unknown outcomes",
  "of these applied",
  "of these not applied",
  "violations",
] as const;

export type Counted = (typeof COUNTED)[number];

/** Buckets of latency grow by a tenth: a percentile is as exact as that. */
const GROWTH = Math.log(1.1);

export class Figures {
  readonly counts: Record<Counted, number>;
  /** What went wrong, in words. */
  readonly violations: string[] = [];
  readonly #latencies: number[] = [];
  #measured = 0;

  constructor() {
    this.counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<Counted, number>;
  }

  count(name: Counted, by = 1): void {
    this.counts[name] += by;
  }

  violated(what: string): void {
    this.count("violations");
    if (this.violations.length < 100) this.violations.push(what);
  }

  took(millis: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(Math.max(millis, 0.1) / 0.1) / GROWTH));
    this.#latencies[bucket] = (this.#latencies[bucket] ?? 0) + 1;
    this.#measured++;
  }

  /** In milliseconds. */
  percentile(share: number): number {
    let left = this.#measured * share;
    for (let bucket = 0; bucket < this.#latencies.length; bucket++) {
      left -= this.#latencies[bucket] ?? 0;
      if (left <= 0) return 0.1 * Math.exp(bucket * GROWTH);
    }
    return 0;
  }
}

/** Markdown: a row for each figure, a column for each driver. */
export function table(places: readonly { readonly name: string; readonly figures: Figures }[]): string {
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    row(["", ...places.map(({ name }) => name)]),
    row(["---", ...places.map(() => "---:")]),
    ...COUNTED.map((name) => row([name, ...places.map(({ figures }) => figures.counts[name])])),
  ];
  for (const share of [0.5, 0.99]) {
    const millis = places.map(({ figures }) => `${figures.percentile(share).toFixed(1)} ms`);
    lines.push(row([`latency, p${share * 100}`, ...millis]));
  }
  return lines.join("\n");
}
