import { OperationalError } from "../errors/classes.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { Connection } from "./connection.js";
import { Session, type SessionContext } from "./session.js";

/** Prepares a new connection: what `openfun` does to it is committed before anyone uses it. */
export async function runOpenfun(
  openfun: (connection: Connection) => unknown,
  lease: PooledConnection,
  context: SessionContext,
): Promise<void> {
  const session = new Session(lease, context, {}, "connection");
  const sequence = session.open();
  try {
    await openfun(new Connection(session, sequence));
    await sequence.idle();
    const unnoticed = session.unnoticed(sequence);
    if (unnoticed !== undefined) throw unnoticed;
    await session.transaction.commit();
  } catch (error) {
    if (session.late) lease.destroy();
    await session.transaction.rollback(error);
    throw new OperationalError("openfun failed: the new connection was discarded", { cause: error });
  }
  session.close(sequence);
}
