import type { Canceller, Outcome, Side, SimpleAction, Subject } from "./program.js";

/** A result: text that begins with `!` is an error. Or the one that is waited for. */
type Result = string | Model;

type Entry =
  | { readonly side: Side; readonly callback: (shown: string) => Outcome }
  | { readonly resume: Model }
  | { readonly fire: Model };

interface Model {
  readonly canceller: Canceller;
  readonly entries: Entry[];
  result: Result | undefined;
  pauses: number;
  running: boolean;
  cancelled: boolean;
  late: boolean;
}

const CANCELLED = {
  none: "!CancelledError",
  idle: "!CancelledError",
  fires: "cancelled",
  fails: "!Error: cancelled",
  throws: "!Error: canceller",
} as const satisfies Record<Canceller, string>;

class NamedError extends Error {
  constructor(name: string) {
    super(name);
    this.name = name;
  }
}

/** Deferreds as the manual describes them, by recursion, without a thought for depth or speed. */
export class ModelSubject implements Subject {
  readonly #models: readonly Model[];

  constructor(cancellers: readonly Canceller[]) {
    this.#models = cancellers.map((canceller) => ({
      canceller,
      entries: [],
      result: undefined,
      pauses: 0,
      running: false,
      cancelled: false,
      late: false,
    }));
  }

  called(which: number): boolean {
    return this.#models[which]!.result !== undefined;
  }

  add(which: number, side: Side, callback: (shown: string) => Outcome): void {
    const model = this.#models[which]!;
    model.entries.push({ side, callback });
    this.#run(model);
  }

  perform(action: SimpleAction): void {
    const model = this.#models[action.which]!;
    switch (action.kind) {
      case "callback":
        this.#fire(model, String(action.value));
        break;
      case "errback":
        this.#fire(model, `!Error: ${action.value}`);
        break;
      case "cancel":
        this.#cancel(model, new Set());
        break;
      case "pause":
        model.pauses += 1;
        break;
      case "unpause":
        if (model.pauses === 0) throw new NamedError("NotPaused");
        model.pauses -= 1;
        this.#run(model);
        break;
      case "chain":
        model.entries.push({ fire: this.#models[action.to]! });
        this.#run(model);
    }
  }

  #fire(model: Model, result: string): void {
    if (model.result !== undefined) {
      if (!model.late) throw new NamedError("AlreadyCalledError");
      model.late = false;
      return;
    }
    model.result = result;
    this.#run(model);
  }

  #cancel(model: Model, passed: Set<Model>, asked = model): void {
    if (passed.has(model)) {
      asked.result = "!CancelledError";
      this.#run(asked);
    } else if (typeof model.result === "object") {
      this.#cancel(model.result, passed.add(model), asked);
    } else if (model.result === undefined) {
      const canceller = model.cancelled ? "none" : model.canceller;
      model.cancelled = true;
      if (canceller === "none") model.late = true;
      this.#fire(model, CANCELLED[canceller]);
    }
  }

  #run(model: Model): void {
    while (!model.running && model.pauses === 0 && typeof model.result === "string") {
      const entry = model.entries.shift();
      if (entry === undefined) return;
      const result: string = model.result;
      if ("resume" in entry) {
        if (entry.resume.result !== model) continue;
        entry.resume.result = result;
        model.result = "undefined";
        this.#run(entry.resume);
      } else if ("fire" in entry) {
        this.#fireFrom(model, entry.fire, result);
      } else if (entry.side === "both" || (entry.side === "failure") === result.startsWith("!")) {
        model.running = true;
        const outcome = entry.callback(result);
        this.#accept(model, outcome, result);
        model.running = false;
      }
    }
  }

  #fireFrom(model: Model, other: Model, result: string): void {
    if (other.result !== undefined && !other.late) {
      model.result = "!AlreadyCalledError";
    } else {
      model.result = "undefined";
      this.#fire(other, result);
    }
  }

  #accept(model: Model, outcome: Outcome, result: string): void {
    if (outcome.kind === "passes") model.result = result;
    else if (outcome.kind === "returns") model.result = String(outcome.value);
    else if (outcome.kind !== "returns Deferred") model.result = `!Error: ${outcome.value}`;
    else this.#follow(model, this.#models[outcome.which]!);
  }

  #follow(model: Model, inner: Model): void {
    if (inner === model) {
      model.result = "!TypeError";
      return;
    }
    model.result = inner;
    inner.entries.push({ resume: model });
    this.#run(inner);
  }
}
