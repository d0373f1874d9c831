/** The state that follows: the one place that knows what a table of legal moves means. */
export function moved<State extends string>(
  what: string,
  moves: Readonly<Record<State, readonly State[]>>,
  from: State,
  to: State,
): State {
  if (!moves[from].includes(to)) throw new Error(`${what} cannot go from ${from} to ${to}`);
  return to;
}
