import type { Deferred } from "../defer/index.js";
import { succeed } from "../defer/index.js";
import { INSPECT } from "../defer/inspect.js";
import { OperationalError } from "../errors/classes.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { Cursor } from "./cursor.js";
import { shownWork } from "./inspect.js";
import type { Sequence } from "./sequence.js";
import { Session, type SessionContext } from "./session.js";

/**
 * PEP 249's connection, for `runWithConnection` and `openfun`: a session of the pool, lent for as long as the function
 * runs. A transaction begins by itself with the first statement.
 * @see https://peps.python.org/pep-0249/#connection-objects
 */
export class Connection<Native = unknown> {
  readonly #session: Session;
  readonly #sequence: Sequence;

  /** @internal */
  constructor(session: Session, sequence: Sequence) {
    this.#session = session;
    this.#sequence = sequence;
  }

  /**
   * The driver's own handle, where it lives on this thread (not SQLite's). What it does is yours to answer for.
   * Listeners that are added to it are taken away when the connection is given back; those of `openfun` stay.
   */
  get native(): Native {
    return this.#session.native as Native;
  }

  /** Aborted when the connection is lost, with the `ConnectionLost` as its reason; never after the function. */
  get signal(): AbortSignal {
    return this.#session.connection.loss.signal;
  }

  /** For `console.log`. */
  [INSPECT](): string {
    return shownWork("Connection", this.#sequence);
  }

  /** A cursor on this session; several share its transaction. */
  cursor(): Cursor {
    return new Cursor(this.#session, this.#sequence);
  }

  /** Fires when the transaction is committed; the next statement begins another. */
  commit(): Deferred<void> {
    return this.#session.task(this.#sequence, () => this.#session.transaction.commit());
  }

  /** Fires when the transaction is rolled back; the next statement begins another. */
  rollback(): Deferred<void> {
    return this.#session.task(this.#sequence, () => this.#session.transaction.rollback(undefined));
  }

  /** Does nothing: the pool owns the connection, and takes it back by itself. */
  close(): Deferred<void> {
    return succeed(undefined) as Deferred<void>;
  }
}

/** Prepares a new connection: what `openfun` does to it is committed before its first use. */
export async function runOpenfun(
  openfun: (connection: Connection) => unknown,
  connection: PooledConnection,
  context: SessionContext,
): Promise<void> {
  const session = new Session(connection, context, {}, "connection");
  const { sequence } = session;
  try {
    await openfun(new Connection(session, sequence));
    await sequence.idle();
    const { unnoticed } = sequence;
    if (unnoticed !== undefined) throw unnoticed;
    await session.transaction.commit();
  } catch (error) {
    if (session.late) connection.destroy();
    await session.transaction.rollback(error);
    throw new OperationalError("openfun failed: the new connection was discarded", { cause: error });
  }
  sequence.close();
}
