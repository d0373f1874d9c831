/** `executeMany` on one session: lists are sent ahead of their answers where that leaves the same, else one by one. */
import type { Params } from "../driver.js";
import { type ManySession, oneByOne, type Step, sendAhead } from "./send-ahead.js";

/** Fewer lists are sent one by one: going ahead takes some round trips of its own. */
export const FEW = 6;

/** Most commands of an `executeMany` under way without an answer. */
const MOST_AHEAD = 512;

/** How a package sends many lists of params of one text ahead of their answers. */
export interface Many {
  steps(lists: readonly Params[]): Iterable<Step>;
  /** Asks the server what the steps of these lists depend on, once the first list has been run. */
  look?(lists: readonly Params[]): Promise<void>;
  /** Sends a text that is known beforehand, and drops its answer. */
  refuseWrites(): void;
  close(): void;
}

/** What of a connection is needed here. */
export interface ManyConnection extends Omit<ManySession, "steps" | "look" | "most"> {
  /** Whether several statements may be under way at a time. */
  readonly goesAhead: boolean;
}

/** `many` is undefined where lists can only be sent one by one. */
export async function executeMany(
  lists: readonly Params[],
  many: Many | undefined,
  connection: ManyConnection,
): Promise<{ readonly rowCount: number }> {
  if (many === undefined) return { rowCount: await oneByOne(connection, lists) };
  try {
    const session = connection.goesAhead ? ahead(many, connection) : inTurn(many, connection);
    return { rowCount: await sendAhead(session, lists) };
  } finally {
    many.close();
  }
}

function ahead(many: Many, connection: ManyConnection): ManySession {
  return { ...connection, steps: (lists) => many.steps(lists), look: many.look, most: MOST_AHEAD };
}

/** For a session that takes one command at a time: each waits for the answer to the one before. */
function inTurn(many: Many, connection: ManyConnection): ManySession {
  let last: Promise<unknown> = Promise.resolve();
  const queued = <T>(send: () => Promise<T>): Promise<T> => {
    const answer = last.then(send, send);
    last = answer;
    return answer;
  };
  return {
    ...connection,
    *steps(lists) {
      for (const step of many.steps(lists)) yield { ...step, run: () => queued(() => step.run()) };
    },
    look: many.look,
    command: (sql, part) => queued(() => connection.command(sql, part)),
    most: 1,
  };
}
