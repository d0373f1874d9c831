/** What a piece of work left behind in this process. */
import { createHook } from "node:async_hooks";
import { eventually } from "./eventually.js";

const OURS = /\/dist\/(src|drivers)\//;

/**
 * Sees every timer that the library sets, also one that keeps no process alive; and every error that nobody handles.
 */
export class Traces implements Disposable {
  readonly #timers = new Map<number, string>();
  readonly #errors: unknown[] = [];
  readonly #hook = createHook({
    init: (id, type) => {
      if (type !== "Timeout" && type !== "Immediate") return;
      const { stackTraceLimit } = Error;
      Error.stackTraceLimit = 40;
      const { stack = "" } = new Error(type);
      Error.stackTraceLimit = stackTraceLimit;
      if (OURS.test(stack)) this.#timers.set(id, stack);
    },
    destroy: (id) => {
      this.#timers.delete(id);
    },
  });
  readonly #resources = countResources();
  readonly #note = (error: unknown) => {
    this.#errors.push(error);
  };

  constructor() {
    this.#hook.enable();
    process.on("unhandledRejection", this.#note);
    process.on("uncaughtExceptionMonitor", this.#note);
  }

  /** Fails, naming what is left, unless all is gone soon. */
  async proveNone(): Promise<void> {
    await eventually("timers left", () => [...this.#timers.values()].join("\n"), "");
    await eventually("handles left", () => this.#newResources(), "");
    if (this.#errors.length > 0) throw new AggregateError(this.#errors, "errors that nobody handled");
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
    process.off("unhandledRejection", this.#note);
    process.off("uncaughtExceptionMonitor", this.#note);
  }

  #newResources(): string {
    const now = countResources();
    const more = [...now].filter(([type, count]) => count > (this.#resources.get(type) ?? 0));
    return more.map(([type, count]) => `${type}: ${count}`).join(", ");
  }
}

/** Timers are counted one by one above; the test runner has its own. */
function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (type === "Timeout" || type === "Immediate") continue;
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}
