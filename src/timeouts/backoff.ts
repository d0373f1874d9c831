/**
 * Delays that double from `first` to `last` milliseconds, each somewhere in the upper half of its span, so that many do
 * not knock at once.
 */
export class Backoff {
  readonly #first: number;
  readonly #last: number;
  #failures = 0;

  constructor(first: number, last: number) {
    this.#first = first;
    this.#last = last;
  }

  next(): number {
    const span = Math.min(this.#first * 2 ** this.#failures, this.#last);
    this.#failures++;
    return span * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
