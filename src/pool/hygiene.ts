import type { DriverConnection } from "../../drivers/driver.js";
import { literalNames } from "../defer/inspect.js";
import { OperationalError } from "../errors/classes.js";
import { within } from "../timeouts/deadline.js";
import { SETTLE_MILLIS } from "./cancellation.js";
import type { PooledConnection } from "./pooled-connection.js";

/** The probe had no answer in time: the peer may have vanished, and taken others with it. */
export class ProbeTimeout extends OperationalError {}

literalNames({ ProbeTimeout });

/** Fires when the session gave a sign of life and is idle. */
export async function probe(lease: PooledConnection, sql: string, millis: number): Promise<void> {
  await within(
    lease.conn.ping(sql),
    millis,
    () => new ProbeTimeout(`a probe had no answer in ${Math.round(millis)} ms`),
  );
  const { session } = lease;
  if (session !== "idle") throw new OperationalError(`the session was ${session} after a probe`);
}

/**
 * Fires when the session is idle again: what was open is rolled back; with `renew`, it is as new, and renewed by that
 * too.
 */
export async function rollbackAndReset(
  lease: PooledConnection,
  renew: (() => Promise<void>) | undefined,
): Promise<void> {
  const late = () => new OperationalError(`the session did not settle in ${SETTLE_MILLIS} ms`);
  const { conn, session } = lease;
  if (session === "in transaction" || session === "unknown")
    await within(conn.rollback(), SETTLE_MILLIS, late);
  if (renew !== undefined) {
    await within(reset(conn), SETTLE_MILLIS, late);
    lease.listeners.forgetLater();
    await within(renew(), SETTLE_MILLIS, late);
  }
  const { session: state } = lease;
  if (state !== "idle") throw new OperationalError(`the session is ${state} after it was cleaned`);
}

async function reset(conn: DriverConnection): Promise<void> {
  try {
    await conn.reset?.();
  } catch (cause) {
    throw new OperationalError(`reset failed: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** Ends the session in order; rejects when that failed or took too long, and it was ended by force. */
export async function closeGracefully(lease: PooledConnection): Promise<void> {
  try {
    await within(
      lease.bounded(lease.conn.close()),
      SETTLE_MILLIS,
      () => new OperationalError(`close had no answer in ${SETTLE_MILLIS} ms`),
    );
  } catch (error) {
    lease.destroy();
    throw error;
  }
}
