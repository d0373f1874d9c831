import { within } from "./deadline.js";
import { OperationalError } from "./errors.js";
import type { Lease } from "./lease.js";

/** The longest that a session may take to answer a probe, a rollback or a reset, or to say goodbye. */
export const SETTLE_MILLIS = 5_000;

/** The probe had no answer in time: the peer may have vanished, and taken others with it. */
export class Silence extends OperationalError {}

/** Fires when the session gave a sign of life and is idle. */
export async function probe({ conn }: Lease, sql: string, millis: number): Promise<void> {
  await within(
    conn.ping(sql),
    millis,
    () => new Silence(`a probe had no answer in ${Math.round(millis)} ms`),
  );
  if (conn.state !== "idle") throw new OperationalError(`the session was ${conn.state} after a probe`);
}

/** Fires when the session is idle again: what was open is rolled back; with `renew`, it is as new, and renewed by that too. */
export async function scrub({ conn }: Lease, renew: (() => Promise<void>) | undefined): Promise<void> {
  const late = () => new OperationalError(`the session did not settle in ${SETTLE_MILLIS} ms`);
  if (conn.state === "in transaction" || conn.state === "unknown")
    await within(conn.rollback(), SETTLE_MILLIS, late);
  if (renew !== undefined) {
    if (conn.reset === undefined) throw new OperationalError("this driver cannot reset a session");
    await within(conn.reset(), SETTLE_MILLIS, late);
    await within(renew(), SETTLE_MILLIS, late);
  }
  if (conn.state !== "idle") throw new OperationalError(`the session is ${conn.state} after it was cleaned`);
}

/** Ends the session in order; rejects when that failed or took too long, and it was ended by force. */
export async function sayGoodbye({ conn }: Lease): Promise<void> {
  try {
    await within(
      conn.close(),
      SETTLE_MILLIS,
      () => new OperationalError(`close had no answer in ${SETTLE_MILLIS} ms`),
    );
  } catch (error) {
    conn.destroy();
    throw error;
  }
}
