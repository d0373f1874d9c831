import type { AdbapiError } from "../errors/classes.js";

export interface RefillHooks {
  readonly min: number;
  open(): number;
  connecting(): number;
  /** How many more there could be. */
  spare(): number;
  /** How long it is until a further attempt may be made. */
  pauseMillis(): number;
  /** Begins to open so many more. */
  grow(missing: number): void;
  /** The pause after a failure is over. */
  pauseOver(): void;
}

/**
 * Keeps at least `min` connections open, in the background, and tells those who wait for that. Its timer keeps no
 * process alive.
 */
export class Refill {
  readonly #hooks: RefillHooks;
  #running = false;
  #timer: NodeJS.Timeout | undefined;
  #waiting: { resolve(): void; reject(error: unknown): void }[] = [];

  constructor(hooks: RefillHooks) {
    this.#hooks = hooks;
  }

  /** The caller's own connection, if there is one on its way, is ahead of these. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(() => this.check());
  }

  /**
   * Fires once `min` connections are open; rejects with the first failure to open one. Whatever happened, it goes on
   * trying.
   */
  async full(): Promise<void> {
    const { min, open, connecting, grow } = this.#hooks;
    this.#running = true;
    if (open() >= min) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      grow(min - open() - connecting());
    });
  }

  stop(reason: AdbapiError): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.failed(reason);
  }

  /** One more is open. */
  opened(): void {
    if (this.#hooks.open() < this.#hooks.min) return;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** An attempt to open one failed. */
  failed(reason: AdbapiError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  /** There may be fewer than `min`. */
  check(): void {
    if (!this.#running || this.#timer !== undefined) return;
    const { min, open, connecting, spare, pauseMillis, grow } = this.#hooks;
    const missing = Math.min(min - open() - connecting(), spare());
    if (missing <= 0) return;
    const wait = pauseMillis();
    if (wait <= 0) grow(missing);
    else this.#timer = setTimeout(() => this.#pauseOver(), wait).unref();
  }

  #pauseOver(): void {
    this.#timer = undefined;
    this.#hooks.pauseOver();
    this.check();
  }
}
