import { CancelledError, Deferred, Failure } from "adbapi/defer";
import type { Canceller, Outcome, Side, SimpleAction, Subject } from "./program.js";

/** The Deferreds of the package, driven and shown as the model is. */
export class RealSubject implements Subject {
  readonly #deferreds: readonly Deferred<unknown>[];

  constructor(cancellers: readonly Canceller[]) {
    this.#deferreds = cancellers.map((kind) => new Deferred<unknown>(cancellerOf(kind)));
  }

  called(which: number): boolean {
    return this.#deferreds[which]!.called;
  }

  add(which: number, side: Side, callback: (shown: string) => Outcome): void {
    const deferred = this.#deferreds[which]!;
    const step = (result: unknown): unknown => this.#comeTo(callback(show(result)), result);
    if (side === "value") deferred.addCallback(step);
    else if (side === "failure") deferred.addErrback(step);
    else deferred.addBoth(step);
  }

  perform(action: SimpleAction): void {
    const deferred = this.#deferreds[action.which]!;
    if (action.kind === "callback") deferred.callback(action.value);
    else if (action.kind === "errback") deferred.errback(new Error(String(action.value)));
    else if (action.kind === "chain") deferred.chainDeferred(this.#deferreds[action.to]!);
    else deferred[action.kind]();
  }

  #comeTo(outcome: Outcome, result: unknown): unknown {
    switch (outcome.kind) {
      case "passes":
        return result;
      case "returns":
        return outcome.value;
      case "throws":
        throw new Error(String(outcome.value));
      case "returns Failure":
        return new Failure(new Error(String(outcome.value)));
      case "returns Deferred":
        return this.#deferreds[outcome.which];
    }
  }
}

function cancellerOf(kind: Canceller): ((deferred: Deferred<unknown>) => void) | undefined {
  switch (kind) {
    case "none":
      return undefined;
    case "idle":
      return () => {};
    case "fires":
      return (deferred) => deferred.callback("cancelled");
    case "fails":
      return (deferred) => deferred.errback(new Error("cancelled"));
    case "throws":
      return () => {
        throw new Error("canceller");
      };
  }
}

function show(result: unknown): string {
  if (!(result instanceof Failure)) return String(result);
  const { value } = result;
  if (value instanceof CancelledError || value.name !== "Error") return `!${value.name}`;
  return `!Error: ${value.message}`;
}
