import type { Driver } from "../../drivers/driver.js";
import type { Origin } from "../diagnostics/channels.js";
import { type AdbapiError, PoolClosed } from "../errors/classes.js";
import { databaseLostError } from "../errors/session-ended.js";
import type { ResolvedOptions } from "../options/settings.js";
import { SETTLE_MILLIS } from "../timeouts/settle-limit.js";
import { Connector } from "./connector.js";
import { Endings } from "./endings.js";
import type { EventLog } from "./event-log.js";
import { Cleaning, ProbeTimeout, probe } from "./hygiene.js";
import { Reaper } from "./maintenance.js";
import type { PooledConnection } from "./pooled-connection.js";
import { Roster } from "./roster.js";
import { Supply } from "./supply.js";

/** A connection used less than this ago is taken to be alive (HikariCP's aliveBypassWindow). */
const PROBE_AFTER_MILLIS = 500;

export interface ConnectionsHooks {
  readonly origin: Origin;
  /** Runs before the first use of each connection, and again after a reset. */
  prepare(connection: PooledConnection): Promise<void>;
  /** A connection has come, or may be asked for: one closed, or the back-off is over. */
  roomMade(): void;
  /** An attempt to open one failed. */
  connectFailed(error: AdbapiError): void;
  /** A session went, and its database with it. */
  databaseLost(error: AdbapiError): void;
}

/** The connections of a pool: taken and given back, probed, cleaned, closed. */
export class Connections {
  /** Whether each session is a database of its own, lost with it. */
  readonly ownDatabase: boolean;
  readonly #options: ResolvedOptions;
  readonly #singleWriter: boolean;
  readonly #events: EventLog;
  readonly #hooks: ConnectionsHooks;
  readonly roster = new Roster();
  readonly #endings: Endings;
  readonly #cleaning: Cleaning;
  readonly #connector: Connector;
  readonly #supply: Supply;
  readonly #reaper: Reaper;
  #closed = false;
  /** Whether `min` connections are kept. */
  #kept = false;
  /** How many are being probed. */
  #probing = 0;

  constructor(
    driver: Driver,
    args: readonly unknown[],
    options: ResolvedOptions,
    events: EventLog,
    hooks: ConnectionsHooks,
  ) {
    this.ownDatabase = driver.ownDatabase?.(args) === true;
    this.#singleWriter = driver.singleWriter === true;
    this.#options = options;
    this.#events = events;
    this.#hooks = hooks;
    const { roster } = this;
    this.#endings = new Endings(driver, roster, events, (connection) => this.#gone(connection));
    this.#cleaning = new Cleaning(driver, events, this.#endings, (connection) => hooks.prepare(connection));
    this.#connector = new Connector(driver, args, options, {
      origin: hooks.origin,
      prepare: (connection) => hooks.prepare(connection),
      connected: (connection) => {
        roster.add(connection);
        events.connected(connection);
      },
      abandoned: (connection) => roster.delete(connection),
      lost: (connection, error) => this.#endings.lost(connection, error),
      warned: (text) => events.warned(text),
      destroyFailed: (connection, error) => events.destroyFailed(connection, driver.name, error),
    });
    this.#supply = new Supply(this.#connector, roster, options, {
      opened: (connection) => this.#opened(connection),
      failed: (error) => this.#notOpened(error),
      pauseOver: () => hooks.roomMade(),
    });
    this.#reaper = new Reaper({
      idleTimeoutMillis: options.idleTimeoutMillis,
      idle: () => roster.available,
      spare: () => roster.open - options.min,
      retire: (connections) => {
        for (const connection of connections) void this.discard(connection);
      },
    });
  }

  /** How many may be there soon without one more being opened. */
  get near(): number {
    return this.coming + this.roster.available.length;
  }

  /** How many are being opened, or probed: `roomMade` tells of each when that is over. */
  get coming(): number {
    return this.roster.opening + this.#probing;
  }

  /** Why the last connect failed, since the last that did not. */
  get lastFailure(): AdbapiError | undefined {
    return this.#connector.lastFailure;
  }

  /** Whether a connection is there, or may be there soon: then the failure to open one is no reason to give up. */
  get mayConnectSoon(): boolean {
    return this.roster.open > 0 || this.#connector.hasRecentAttempt;
  }

  /** A connection that is idle and was alive a moment ago, the taker's alone from now on; undefined: there is none. */
  take(): PooledConnection | undefined {
    const { available } = this.roster;
    for (;;) {
      const connection = available.at(-1);
      if (connection === undefined) return undefined;
      if (performance.now() - connection.idleSince > PROBE_AFTER_MILLIS) return undefined;
      available.pop();
      if (!connection.spent) {
        connection.move("shared");
        return connection;
      }
      void this.discard(connection);
    }
  }

  /**
   * So many would be of use now: what is idle is probed, and what is missing is opened. Who takes them is decided when
   * they are there.
   */
  want(count: number): void {
    if (this.#closed) return;
    if (!this.#kept) this.start();
    for (let n = count - this.#probing; n > 0; n--) {
      const connection = this.roster.available.pop();
      if (connection === undefined) break;
      if (connection.spent) void this.discard(connection);
      else void this.#probe(connection);
    }
    this.#supply.ask(count - this.#probing);
  }

  /** Hands back a connection on which nothing is open. */
  release(connection: PooledConnection): void {
    if (connection.gone) return;
    if (this.#closed || connection.spent) void this.discard(connection);
    else this.#rest(connection);
  }

  /**
   * Brings a session that a caller has used back to a known state: no transaction open, and as new if `reset`. False:
   * it could not be done, and the connection is gone.
   */
  clean(connection: PooledConnection, reset: boolean): boolean | Promise<boolean> {
    return this.#cleaning.clean(connection, reset);
  }

  /** Takes a connection out of the pool for good; fires when its place is free. Never within this call. */
  discard(connection: PooledConnection): Promise<void> {
    return this.#endings.discard(connection);
  }

  /** From here on the pool holds `min` connections, in the background. */
  start(): void {
    this.#kept = true;
    if (!this.#closed) this.#supply.keep();
  }

  /** Fires once `min` connections are open; rejects with the first failure to open one. */
  fill(): Promise<void> {
    return this.#closed ? Promise.reject(this.#closedError()) : this.#supply.full();
  }

  /**
   * Closes everything; nothing may be lent any more. Fires when no connection is left; past `millis` that is made so by
   * force.
   */
  async close(millis: number): Promise<void> {
    this.#closed = true;
    this.#reaper.stop();
    this.#supply.stop(this.#closedError());
    // What is being opened is ended by its attempt.
    const force = setTimeout(() => this.destroyAll(), millis);
    const open = [...this.roster].filter((connection) => !connection.gone && connection.state !== "opening");
    // One alone at the end: SQLite removes its log with the last, and of two that close in one moment neither finds
    // that it is.
    const last = this.#singleWriter && open.pop();
    await Promise.all(open.map((connection) => this.discard(connection)));
    if (last) await this.discard(last);
    await this.roster.empty();
    clearTimeout(force);
  }

  /** Ends every connection at once, whatever runs on it. */
  destroyAll(): void {
    for (const connection of this.roster) connection.destroy();
  }

  #opened(connection: PooledConnection): void {
    // It came in the moment of the close, which found it neither open nor under way any more; or it has died already.
    if (this.#closed || connection.session === "broken") void this.discard(connection);
    else this.#rest(connection);
    this.#hooks.roomMade();
  }

  #notOpened(error: AdbapiError): void {
    if (!this.#closed) this.#events.connectFailed(error);
    this.#hooks.connectFailed(error);
    this.#hooks.roomMade();
  }

  #closedError(): PoolClosed {
    return new PoolClosed(`the pool "${this.#options.name}" is closed`);
  }

  #rest(connection: PooledConnection): void {
    connection.move("idle");
    this.roster.available.push(connection);
    this.#reaper.watch(connection);
  }

  async #probe(connection: PooledConnection): Promise<void> {
    connection.move("checking");
    this.#probing++;
    const since = performance.now();
    const millis = Math.min(SETTLE_MILLIS, this.#options.acquireTimeoutMillis / 4);
    try {
      await probe(connection, this.#options.goodSql, millis);
      this.#probing--;
      this.release(connection);
    } catch (error) {
      this.#probing--;
      // A peer that vanished took them all: those that sat idle as long are not worth a deadline each. They go first,
      // for what waits takes an idle one as soon as this one has left its place.
      if (error instanceof ProbeTimeout) this.#endings.destroyIdle(since);
      this.#endings.unfit(connection, error);
    }
    this.#hooks.roomMade();
  }

  #gone(connection: PooledConnection): void {
    if (this.ownDatabase && !this.#closed) this.#hooks.databaseLost(databaseLostError(connection.whyEnded));
    this.#supply.vacate(connection);
    this.#hooks.roomMade();
    this.#supply.check();
  }
}
