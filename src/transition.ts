/** The state that follows, by a table of legal moves; any other is a fault of ours, and throws. */
export function moved<State extends string>(
  what: string,
  moves: Readonly<Record<State, readonly State[]>>,
  from: State,
  to: State,
): State {
  if (!moves[from].includes(to)) throw illegalMove(what, from, to);
  return to;
}

/** For what moves with every statement: it looks into its table by itself. */
export function illegalMove(what: string, from: string, to: string): Error {
  return new Error(`${what} cannot go from ${from} to ${to}`);
}
