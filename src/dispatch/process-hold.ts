/** Keeps the process alive while there is work; connections themselves never do. */
export class ProcessHold {
  readonly #timer = setInterval(() => {}, 2 ** 31 - 1).unref();
  #working = false;
  #errands = 0;

  /** Whether statements or interactions wait or run. */
  set working(working: boolean) {
    if (working === this.#working) return;
    this.#working = working;
    this.#look();
  }

  /** Work that no statement waits for: opening connections that were asked for, closing. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#errands++;
    this.#look();
    try {
      return await work;
    } finally {
      this.#errands--;
      this.#look();
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#working || this.#errands > 0) this.#timer.ref();
    else this.#timer.unref();
  }
}
