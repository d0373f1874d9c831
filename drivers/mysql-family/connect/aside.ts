/** Runs a statement on another session of the same server: KILL QUERY, for one. */
import { OperationalError } from "../../../src/errors/classes.js";
import { SERVER_SQL, textOf } from "../reset.js";
import { type Connecting, inTime } from "./connect-deadline.js";
import { firstRow, type Open, type Opened } from "./opened.js";

/** Longest that a KILL may take, with its own connection. */
const CONTROL_MILLIS = 10_000;

/** How often another connection is opened, until one leads to the server of the session. */
const ATTEMPTS = 4;

/** `server` is the server's own name for itself: on another nothing is run. Rejects where it was not reached. */
export async function runAside<Args extends Connecting>(
  open: Open<Args, Opened>,
  args: Args,
  server: string,
  sql: string,
): Promise<void> {
  const limit = new AbortController();
  const late = () => limit.abort(new Error(`no answer in ${CONTROL_MILLIS} ms`));
  const timer = setTimeout(late, CONTROL_MILLIS).unref();
  try {
    // Behind one address there may be several servers, and each has sessions of the same numbers.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const other = await inTime(args, limit.signal, (signal) => open(args, signal));
      const [name] = await firstRow(other, SERVER_SQL, limit.signal);
      const same = textOf(name) === server;
      if (same) await firstRow(other, sql, limit.signal);
      other.socket.destroy();
      if (same) return;
    }
  } finally {
    clearTimeout(timer);
  }
  throw new OperationalError("the server of the session was not reached again");
}
