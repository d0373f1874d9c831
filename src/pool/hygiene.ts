import type { Driver, DriverConnection } from "../../drivers/driver.js";
import { literalNames } from "../defer/inspect.js";
import { OperationalError } from "../errors/classes.js";
import { within } from "../timeouts/deadline.js";
import { SETTLE_MILLIS } from "../timeouts/settle-limit.js";
import type { Endings } from "./endings.js";
import type { EventLog } from "./event-log.js";
import type { PooledConnection } from "./pooled-connection.js";

/** The probe had no answer in time: the peer may have vanished, and taken others with it. */
export class ProbeTimeout extends OperationalError {}

literalNames({ ProbeTimeout });

/** Fires when the session gave a sign of life and is idle. */
export async function probe(connection: PooledConnection, sql: string, millis: number): Promise<void> {
  await within(
    connection.conn.ping(sql),
    millis,
    () => new ProbeTimeout(`a probe had no answer in ${Math.round(millis)} ms`),
  );
  const { session } = connection;
  if (session !== "idle") throw new OperationalError(`the session was ${session} after a probe`);
}

/** Makes a session that a caller has used fit for the next. */
export class Cleaning {
  readonly #driver: Driver;
  readonly #events: EventLog;
  readonly #endings: Endings;
  readonly #prepare: (connection: PooledConnection) => Promise<void>;

  /** @param prepare renews what has been reset */
  constructor(
    driver: Driver,
    events: EventLog,
    endings: Endings,
    prepare: (connection: PooledConnection) => Promise<void>,
  ) {
    this.#driver = driver;
    this.#events = events;
    this.#endings = endings;
    this.#prepare = prepare;
  }

  /** False: it could not be done, and the connection is gone. */
  clean(connection: PooledConnection, reset: boolean): boolean | Promise<boolean> {
    if (connection.gone || connection.session === "broken") return false;
    if (connection.session === "idle" && !reset) return true;
    if (reset && connection.conn.reset === undefined) {
      this.#events.cannotReset(this.#driver.name);
      return false;
    }
    return this.#rollbackAndReset(connection, reset);
  }

  async #rollbackAndReset(connection: PooledConnection, reset: boolean): Promise<boolean> {
    connection.move("cleaning");
    try {
      await rollbackAndReset(connection, reset ? () => this.#prepare(connection) : undefined);
      if (connection.gone) return false;
      connection.move("shared");
      return true;
    } catch (error) {
      this.#endings.unfit(connection, error);
      return false;
    }
  }
}

/**
 * Fires when the session is idle again: what was open is rolled back; with `renew`, it is as new, and renewed by that
 * too.
 */
async function rollbackAndReset(
  connection: PooledConnection,
  renew: (() => Promise<void>) | undefined,
): Promise<void> {
  const late = () => new OperationalError(`the session did not settle in ${SETTLE_MILLIS} ms`);
  const { conn, session } = connection;
  if (session === "in transaction" || session === "unknown")
    await within(conn.rollback(), SETTLE_MILLIS, late);
  if (renew !== undefined) {
    await within(reset(conn), SETTLE_MILLIS, late);
    connection.listeners.forgetLater();
    await within(renew(), SETTLE_MILLIS, late);
  }
  const { session: state } = connection;
  if (state !== "idle") throw new OperationalError(`the session is ${state} after it was cleaned`);
}

async function reset(conn: DriverConnection): Promise<void> {
  try {
    await conn.reset?.();
  } catch (cause) {
    throw new OperationalError(`reset failed: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
