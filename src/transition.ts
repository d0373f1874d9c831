/** Each class with a table of legal moves looks into it by itself, since it does so for every statement. */
export function illegalMove(what: string, from: string, to: string): Error {
  return new Error(`${what} cannot go from ${from} to ${to}`);
}
