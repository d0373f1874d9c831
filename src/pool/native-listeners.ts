/** What of an EventEmitter is needed to see who listens. Packages that are none have no listeners to forget. */
interface Emitter {
  eventNames(): (string | symbol)[];
  rawListeners(event: string | symbol): ((...event: unknown[]) => void)[];
  removeListener(event: string | symbol, listener: (...event: unknown[]) => void): unknown;
}

/**
 * Who listens on a package's own handle now, so that those who come later can be sent away: a taker's listeners go with
 * the taker.
 */
export class NativeListeners {
  readonly #emitter: Emitter | undefined;
  readonly #here: ReadonlyMap<string | symbol, readonly unknown[]>;

  constructor(native: unknown) {
    this.#emitter = isEmitter(native) ? native : undefined;
    const names = this.#emitter?.eventNames() ?? [];
    this.#here = new Map(names.map((event) => [event, this.#emitter!.rawListeners(event)]));
  }

  /** Takes away all that have come since; one that was added twice goes once for each time. */
  forgetLater(): void {
    for (const event of this.#emitter?.eventNames() ?? []) {
      const left = [...(this.#here.get(event) ?? [])];
      // removeListener takes the one that was added last: the older ones keep their places.
      for (const listener of this.#emitter!.rawListeners(event)) {
        const known = left.indexOf(listener);
        if (known >= 0) left.splice(known, 1);
        else this.#emitter!.removeListener(event, listener);
      }
    }
  }
}

function isEmitter(native: unknown): native is Emitter {
  const emitter = native as Partial<Record<keyof Emitter, unknown>> | null | undefined;
  return (
    typeof emitter?.eventNames === "function" &&
    typeof emitter.rawListeners === "function" &&
    typeof emitter.removeListener === "function"
  );
}
