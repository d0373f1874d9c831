/** Buckets to each doubling: a percentile is off by no more than 2^(1/16), some 4 %. */
const BUCKETS_PER_DOUBLING = 8;
const SMALLEST_MILLIS = 0.001;
/** Reaches from a microsecond to 2^40 of them, twelve days. */
const BUCKETS = 40 * BUCKETS_PER_DOUBLING;

/** Counts durations in buckets of a constant ratio, so that memory is fixed and a percentile is one short walk. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(millis: number): void {
    const bucket = Math.floor(
      Math.log2(Math.max(millis, SMALLEST_MILLIS) / SMALLEST_MILLIS) * BUCKETS_PER_DOUBLING,
    );
    this.#counts[Math.min(bucket, BUCKETS - 1)]! += 1;
    this.#total += 1;
  }

  /** The duration, in milliseconds, that `part` (0 to 1) of those counted did not exceed; 0 when there are none. */
  percentile(part: number): number {
    let left = Math.max(1, Math.ceil(this.#total * part));
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return SMALLEST_MILLIS * 2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING);
    }
    return 0;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }
}
