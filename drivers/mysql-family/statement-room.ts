/**
 * `max_prepared_stmt_count` is of all sessions of a server together: where it is reached, statements that sessions of
 * this process keep make room for another's. COM_STMT_CLOSE has no answer and changes nothing that a session's user can
 * see, so it may travel at any time; it is sent on sessions at rest, for behind a statement it would wait, maybe for
 * the very one that asks.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** A session that keeps prepared statements. */
export interface StatementHolder {
  /** Nothing is under way on it. */
  readonly atRest: boolean;
  /** Closes a few that it keeps; false where it keeps none. */
  giveRoom(): boolean;
}

/** No answer tells when another session's statements are gone: the pauses before the server is asked again, in ms. */
const PAUSES = [1, 2, 5, 10, 25, 50, 100, 200];

const holders = new Map<string, Set<StatementHolder>>();

/** `server` is the server's own name for itself. The function that it gives removes the session again. */
export function addHolder(server: string, holder: StatementHolder): () => void {
  const all = holders.get(server) ?? new Set();
  holders.set(server, all.add(holder));
  return () => {
    all.delete(holder);
    if (all.size === 0 && holders.get(server) === all) holders.delete(server);
  };
}

/**
 * Has other sessions close statements, and calls `ask`, until that says that there is room, or all pauses are over.
 */
export async function withRoom(
  server: string,
  own: StatementHolder,
  ask: () => Promise<boolean>,
): Promise<void> {
  for (const pause of PAUSES) {
    const others = [...(holders.get(server) ?? [])].filter((other) => other !== own && other.atRest);
    // They are asked in turn: the session that has given room stands last.
    const giver = others.find((other) => other.giveRoom());
    if (giver === undefined && pause === PAUSES[0]) return;
    if (giver !== undefined) {
      holders.get(server)?.delete(giver);
      holders.get(server)?.add(giver);
    }
    await sleep(pause);
    if (await ask()) return;
  }
}
