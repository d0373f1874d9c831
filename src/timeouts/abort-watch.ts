/** Who is to be called when a signal is aborted, behind the one listener that it gets from all of them. */
class AbortWatch {
  readonly callbacks = new Set<() => void>();
  readonly listener = () => {
    for (const onAbort of this.callbacks) onAbort();
  };
}

/**
 * One signal may stand for thousands of statements: Node.js takes as many listeners for a leak, and searches them all
 * to remove one.
 */
const watches = new WeakMap<AbortSignal, AbortWatch>();

/** Calls back when the signal is aborted, unless `unwatchAbort` comes first. */
export function watchAbort(signal: AbortSignal, onAbort: () => void): void {
  let watch = watches.get(signal);
  if (watch === undefined) {
    watch = new AbortWatch();
    watches.set(signal, watch);
    signal.addEventListener("abort", watch.listener, { once: true });
  }
  watch.callbacks.add(onAbort);
}

/** Once nothing watches it, nothing of ours keeps the signal. */
export function unwatchAbort(signal: AbortSignal, onAbort: () => void): void {
  const watch = watches.get(signal);
  if (!watch?.callbacks.delete(onAbort) || watch.callbacks.size > 0) return;
  watches.delete(signal);
  signal.removeEventListener("abort", watch.listener);
}
