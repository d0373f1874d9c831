import type { Driver } from "../../drivers/driver.js";
import { OperationalError } from "../errors/classes.js";
import { within } from "../timeouts/deadline.js";
import { SETTLE_MILLIS } from "../timeouts/settle-limit.js";
import { translated } from "./driver-guard.js";
import type { EventLog } from "./event-log.js";
import type { PooledConnection } from "./pooled-connection.js";
import type { Roster } from "./roster.js";

/** How the connections of a pool end: in order, or at once. */
export class Endings {
  readonly #driver: Driver;
  readonly #roster: Roster;
  readonly #events: EventLog;
  readonly #gone: (connection: PooledConnection) => void;

  /** @param gone hears of each that is gone at the server too, as far as this side can know: its place is free */
  constructor(
    driver: Driver,
    roster: Roster,
    events: EventLog,
    gone: (connection: PooledConnection) => void,
  ) {
    this.#driver = driver;
    this.#roster = roster;
    this.#events = events;
    this.#gone = gone;
  }

  /**
   * Takes a connection out of the pool for good. It is gone, never within this call, once its session is over at the
   * server, or is given up; a thread inside of its database that does not react goes on without one.
   */
  async discard(connection: PooledConnection): Promise<void> {
    if (connection.gone) return;
    const broken = connection.session === "broken";
    this.#leave(connection);
    if (broken) connection.destroy();
    else await closeGracefully(connection).catch((error) => this.#events.closeFailed(connection, error));
    await connection.conn.departed;
    this.#bury(connection);
  }

  /** The session died by itself. */
  lost(connection: PooledConnection, error: unknown): void {
    connection.whyEnded = error;
    connection.loss.tell(translated(this.#driver, error));
    // What ran on it may have failed, and given it up, before this is heard.
    if (!connection.endedHere) this.#events.lost(connection, translated(this.#driver, error));
    if (connection.gone) return;
    if (connection.state === "idle" || connection.state === "lingering") this.#destroy(connection);
    else connection.destroy(); // what the driver has not settled by now has an end too
  }

  /** What was to make it fit for use failed. */
  unfit(connection: PooledConnection, error: unknown): void {
    connection.whyEnded = error;
    this.#events.discarded(connection, error);
    if (!connection.gone) this.#destroy(connection);
  }

  /** Destroys what has been idle since then, or for longer. */
  destroyIdle(since: number): void {
    const old = this.#roster.available.filter(({ idleSince }) => idleSince <= since);
    // All leave before the first place is free, since what waits for one would have the next of them probed.
    for (const connection of old) this.#leave(connection);
    for (const connection of old) this.#end(connection);
  }

  /** Ends a connection at once, and says nothing to the server. */
  #destroy(connection: PooledConnection): void {
    this.#leave(connection);
    this.#end(connection);
  }

  #end(connection: PooledConnection): void {
    connection.destroy();
    this.#bury(connection);
  }

  #leave(connection: PooledConnection): void {
    if (connection.state === "idle") this.#roster.rouse(connection);
    connection.move("closing");
  }

  #bury(connection: PooledConnection): void {
    connection.move("closed");
    this.#roster.delete(connection);
    this.#events.disconnected(connection);
    this.#gone(connection);
  }
}

/** Ends the session in order; rejects when that failed or took too long, and it was ended by force. */
async function closeGracefully(connection: PooledConnection): Promise<void> {
  try {
    await within(
      connection.loss.wait(connection.conn.close()),
      SETTLE_MILLIS,
      () => new OperationalError(`close had no answer in ${SETTLE_MILLIS} ms`),
    );
  } catch (error) {
    connection.destroy();
    throw error;
  }
}
