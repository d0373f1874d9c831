/**
 * The stack of the caller of the public `verb`: its first frame is the caller's. Undefined unless `wanted`, since it
 * costs more than a statement.
 */
export function takenBy(verb: (...call: never[]) => unknown, wanted: boolean): string | undefined {
  if (!wanted) return undefined;
  const taken = new Error("taken here");
  Error.captureStackTrace(taken, verb);
  return taken.stack;
}
