/** What a value from outside is, and whether it will do. */

/** May throw what a getter of `then` throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  return typeof (value as { then?: unknown }).then === "function";
}

/** The longest delay of Node.js's timers; beyond it they would fire at once. */
const LONGEST_MILLIS = 2 ** 31 - 1;

/** @throws RangeError for what `setTimeout` would quietly take for 1 */
export function checkMillis(millis: number): void {
  if (typeof millis === "number" && millis >= 0 && millis <= LONGEST_MILLIS) return;
  throw new RangeError(`milliseconds must be from 0 to ${LONGEST_MILLIS}, not ${String(millis)}`);
}
