/** The caller who changes its mind: by `cancel()`, by a signal, by a time limit; or who does not. */
import type { Deferred } from "adbapi";
import type { Figures } from "./figures.js";
import type { Random } from "./random.js";

export interface Asking {
  readonly options: { readonly signal?: AbortSignal; readonly timeoutMillis?: number };
}

type Way = "none" | "cancel" | "signal" | "timeout";

export class Interrupter implements Asking {
  readonly options: Asking["options"];
  readonly #way: Way;
  readonly #after: number;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(random: Random) {
    this.#way = random.weighted<Way>([
      [80, "none"],
      [7, "cancel"],
      [6, "signal"],
      [7, "timeout"],
    ]);
    // Some before it is sent, some while it runs, some too late.
    this.#after = random.chance(0.2) ? 0 : random.between(1, random.pick([3, 30, 300]));
    this.options =
      this.#way === "signal"
        ? { signal: this.#controller.signal }
        : this.#way === "timeout"
          ? { timeoutMillis: Math.max(1, this.#after) }
          : {};
    if (this.#way === "signal") this.#timer = setTimeout(() => this.#controller.abort(), this.#after);
  }

  /** Fires with the answer of what was asked for; more than one is a violation. */
  follow<T>(figures: Figures, ask: (asking: Asking) => Deferred<T>): Promise<T> {
    const deferred = ask(this);
    if (this.#way === "cancel") this.#timer = setTimeout(() => deferred.cancel(), this.#after);
    let answers = 0;
    deferred.addBoth((answer: unknown) => {
      if (++answers > 1) figures.violated("a Deferred fired twice");
      return answer as T;
    });
    return deferred.toPromise();
  }

  over(): void {
    clearTimeout(this.#timer);
  }
}
