/** The end of a line, in which each knows the `next` one; undefined if the line is a circle. */
export function endOfLine<T>(start: T, next: (one: T) => T | undefined): T | undefined {
  let end = start;
  let marked = start;
  // The mark moves ahead at every power of two: so the walk meets it in any circle, without a list of its steps.
  for (let hops = 1, nextMark = 2; ; hops += 1) {
    const after = next(end);
    if (after === undefined) return end;
    if (after === marked) return undefined;
    end = after;
    if (hops === nextMark) {
      marked = end;
      nextMark *= 2;
    }
  }
}
