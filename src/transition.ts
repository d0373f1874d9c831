/** The state that follows: the one place that knows what a table of legal moves means. */
export function moved<State extends string>(
  what: string,
  moves: Readonly<Record<State, readonly State[]>>,
  from: State,
  to: State,
): State {
  if (!moves[from].includes(to)) throw illegalMove(what, from, to);
  return to;
}

/** For what is done for every statement: the move is looked up where it is made, and only a wrong one comes here. */
export function illegalMove(what: string, from: string, to: string): Error {
  return new Error(`${what} cannot go from ${from} to ${to}`);
}
