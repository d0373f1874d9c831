import type { Driver } from "../../drivers/driver.js";
import type { Origin } from "../diagnostics/channels.js";
import { type AdbapiError, OperationalError, PoolClosed } from "../errors/classes.js";
import type { ResolvedOptions } from "../options/settings.js";
import { SETTLE_MILLIS } from "./cancellation.js";
import { Connector } from "./connector.js";
import { translated } from "./driver-guard.js";
import type { EventLog } from "./event-log.js";
import { closeGracefully, ProbeTimeout, probe, rollbackAndReset } from "./hygiene.js";
import { Reaper, Refill } from "./maintenance.js";
import type { PooledConnection } from "./pooled-connection.js";
import { Slots } from "./slots.js";

/** A connection used less than this ago is taken to be alive (HikariCP's aliveBypassWindow). */
const PROBE_AFTER_MILLIS = 500;

export interface ConnectionsHooks {
  readonly origin: Origin;
  /** Runs before the first use of each connection, and again after a reset. */
  prepare(connection: PooledConnection): Promise<void>;
  /** A place may be free: a connection closed, or the back-off is over. */
  roomMade(): void;
  /** An attempt failed, whoever it was for. */
  connectFailed(error: AdbapiError): void;
  /** A session went, and its database with it. */
  databaseLost(error: AdbapiError): void;
}

/** The connections of a pool: opens, probes, lends, cleans, expires and closes them. */
export class Connections {
  /** Whether each session is a database of its own, lost with it. */
  readonly ownDatabase: boolean;
  readonly #options: ResolvedOptions;
  readonly #driver: Driver;
  readonly #events: EventLog;
  readonly #hooks: ConnectionsHooks;
  readonly #connector: Connector;
  readonly #slots: Slots;
  readonly #reaper: Reaper;
  readonly #refill: Refill;
  /** Every connection that is open, opening, or closing and not yet gone. */
  readonly #all = new Set<PooledConnection>();
  /** Destroyed, and still inside of the database. */
  #ending = 0;
  #state: "open" | "closed" = "open";
  /** Whether `min` connections are kept. */
  #kept = false;
  #whenEmpty: (() => void) | undefined;

  constructor(
    driver: Driver,
    args: readonly unknown[],
    options: ResolvedOptions,
    events: EventLog,
    hooks: ConnectionsHooks,
  ) {
    this.ownDatabase = driver.ownDatabase?.(args) === true;
    this.#driver = driver;
    this.#options = options;
    this.#events = events;
    this.#hooks = hooks;
    this.#connector = new Connector(driver, args, options, {
      origin: hooks.origin,
      prepare: (connection) => hooks.prepare(connection),
      connected: (connection) => {
        this.#all.add(connection);
        events.connected(connection);
      },
      abandoned: (connection) => this.#all.delete(connection),
      lost: (connection, error) => this.#lost(connection, error),
      warned: (text) => events.warned(text),
      destroyFailed: (connection, error) => events.destroyFailed(connection, driver.name, error),
    });
    this.#slots = new Slots(
      options.max,
      () => this.#open(),
      () => this.#refill.check(),
    );
    this.#refill = new Refill({
      min: options.min,
      open: () => this.open,
      connecting: () => this.connecting,
      spare: () => this.#slots.spare,
      pauseMillis: () => this.#connector.pauseMillis,
      grow: (missing) => void this.#slots.grow(missing).then(() => hooks.roomMade()),
      pauseOver: () => hooks.roomMade(),
    });
    this.#reaper = new Reaper({
      idleTimeoutMillis: options.idleTimeoutMillis,
      idle: () => [...this.#all].filter((connection) => connection.state === "idle"),
      spare: () => this.open - options.min,
      retire: (connections) => {
        for (const connection of connections) void this.discard(connection);
        void this.#slots.purge();
      },
    });
  }

  get idle(): number {
    return this.#count(({ state }) => state === "idle" || state === "lingering");
  }

  /** Idle, and at once to be had. (`idle` counts those too that the dispatcher has not given back yet.) */
  get available(): number {
    return this.#slots.available;
  }

  get inUse(): number {
    return this.#count((connection) => connection.inUse);
  }

  get open(): number {
    return this.#count((connection) => !connection.gone && connection.state !== "opening");
  }

  get connecting(): number {
    return this.#connector.underWay;
  }

  /** Why the last connect failed, since the last that did not. */
  get lastFailure(): AdbapiError | undefined {
    return this.#connector.lastFailure;
  }

  /** Whether a connection is there, or may be there soon: then the failure to open one is no reason to give up. */
  get mayConnectSoon(): boolean {
    return this.open > 0 || this.#connector.hasRecentAttempt;
  }

  /** Whether `acquire` may be asked now: something idle is there, or may be opened. */
  get ready(): boolean {
    if (this.#state === "closed") return false;
    if (!this.#connector.failing || this.available > 0) return true;
    if (this.open === 0) return !this.mayConnectSoon;
    return this.#connector.pauseMillis <= 0;
  }

  /** How long it is until it is worth asking again whether it is `ready`. */
  get pauseMillis(): number {
    return Math.max(10, this.#connector.pauseMillis);
  }

  /**
   * Fires with a connection that is alive, prepared and the taker's alone; rejects with the reason why none can be
   * opened.
   */
  acquire(): Promise<PooledConnection> {
    if (this.#state === "closed") return Promise.reject(this.#closedError());
    if (!this.#kept) this.start();
    return this.#slots.take().then((connection) => this.#admit(connection));
  }

  /** Hands back a connection on which nothing is open. */
  release(connection: PooledConnection): void {
    if (connection.gone) return;
    if (this.#closed || connection.spent) {
      void this.discard(connection);
      return;
    }
    connection.move("idle");
    this.#slots.giveBack(connection);
    this.#reaper.watch(connection);
  }

  /**
   * Brings a session that was somebody's back to a known state: no transaction open, and as new if `reset`. False: it
   * could not be done, and the connection is gone.
   */
  clean(connection: PooledConnection, reset: boolean): boolean | Promise<boolean> {
    if (connection.gone || connection.session === "broken") return false;
    if (connection.session === "idle" && !reset) return true;
    if (reset && connection.conn.reset === undefined) {
      this.#events.cannotReset(this.#driver.name);
      return false;
    }
    return this.#rollbackAndReset(connection, reset);
  }

  /**
   * Takes a connection out of the pool for good. Its place is free once the session is over at the server, or is given
   * up; a thread that is deaf inside of its database goes on without one.
   */
  async discard(connection: PooledConnection): Promise<void> {
    if (connection.gone) return;
    const broken = connection.session === "broken";
    connection.move("closing");
    if (broken) connection.destroy();
    else await closeGracefully(connection).catch((error) => this.#events.closeFailed(connection, error));
    const { departed } = connection.conn;
    if (departed !== undefined) await departed;
    this.#buried(connection);
  }

  /** From here on the pool holds `min` connections, in the background. */
  start(): void {
    this.#kept = true;
    if (this.#state === "open") this.#refill.start();
  }

  /** Fires once `min` connections are open; rejects with the first failure to open one. */
  fill(): Promise<void> {
    return this.#closed ? Promise.reject(this.#closedError()) : this.#refill.full();
  }

  /**
   * Closes everything; nothing may be lent any more. Fires when no connection is left; past `millis` that is made so by
   * force.
   */
  async close(millis: number): Promise<void> {
    this.#state = "closed";
    this.#reaper.stop();
    const closed = this.#closedError();
    this.#connector.abort(closed);
    this.#refill.stop(closed);
    // What is being opened is ended by its attempt.
    const force = setTimeout(() => this.destroyAll(), millis);
    const open = [...this.#all].filter((connection) => !connection.gone && connection.state !== "opening");
    // One alone at the end: SQLite removes its log with the last, and of two that close in one moment neither finds
    // that it is.
    const last = this.#driver.singleWriter && open.pop();
    await Promise.all(open.map((connection) => this.discard(connection)));
    if (last) await this.discard(last);
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      this.#emptied();
    });
    clearTimeout(force);
    await this.#slots.purge();
  }

  /** Ends every connection at once, whatever runs on it. */
  destroyAll(): void {
    for (const connection of this.#all) connection.destroy();
  }

  get #closed(): boolean {
    return this.#state === "closed";
  }

  async #open(): Promise<PooledConnection> {
    // For those who still stand in generic-pool's line when the attempts before theirs are given up.
    if (this.#closed) throw this.#closedError();
    try {
      const connection = await this.#connector.connect();
      if (this.#closed) {
        // Opened in the moment of the close, which found it neither open nor under way any more.
        void this.discard(connection);
        throw this.#closedError();
      }
      connection.move("idle");
      this.#refill.opened();
      this.#reaper.watch(connection);
      return connection;
    } catch (error) {
      this.#failedToOpen(error as AdbapiError);
      throw error;
    } finally {
      this.#emptied();
    }
  }

  #failedToOpen(failure: AdbapiError): void {
    if (!this.#closed) this.#events.connectFailed(failure);
    this.#refill.failed(failure);
    this.#hooks.connectFailed(failure);
  }

  #closedError(): PoolClosed {
    return new PoolClosed(`the pool "${this.#options.name}" is closed`);
  }

  #admit(connection: PooledConnection): PooledConnection | Promise<PooledConnection> {
    const { state } = connection;
    if (state === "closing" || state === "closed") {
      if (state === "closed") this.#slots.vacate(connection);
      return this.acquire();
    }
    if (this.#state === "closed" || connection.spent) {
      void this.discard(connection);
      return this.acquire();
    }
    if (performance.now() - connection.idleSince > PROBE_AFTER_MILLIS) return this.#probe(connection);
    connection.move("shared");
    return connection;
  }

  async #probe(connection: PooledConnection): Promise<PooledConnection> {
    connection.move("checking");
    const since = performance.now();
    try {
      await probe(
        connection,
        this.#options.goodSql,
        Math.min(SETTLE_MILLIS, this.#options.acquireTimeoutMillis / 4),
      );
      if (!connection.gone) {
        connection.move("shared");
        return connection;
      }
    } catch (error) {
      connection.whyEnded = error;
      this.#events.discarded(connection, error);
      if (!connection.gone) this.#bury(connection);
      // A peer that vanished took them all: those that sat idle as long are not worth a deadline each.
      if (error instanceof ProbeTimeout) this.#buryIdle(since);
    }
    return this.acquire();
  }

  async #rollbackAndReset(connection: PooledConnection, reset: boolean): Promise<boolean> {
    connection.move("cleaning");
    try {
      await rollbackAndReset(connection, reset ? () => this.#hooks.prepare(connection) : undefined);
      if (connection.gone) return false;
      connection.move("shared");
      return true;
    } catch (error) {
      connection.whyEnded = error;
      this.#events.discarded(connection, error);
      if (!connection.gone) this.#bury(connection);
      return false;
    }
  }

  /** The session died by itself. */
  #lost(connection: PooledConnection, error: unknown): void {
    connection.whyEnded = error;
    // What ran on it may have failed, and given it up, before this is heard.
    if (!connection.endedHere) this.#events.lost(connection, translated(this.#driver, error));
    if (connection.gone) return;
    if (connection.state === "idle" || connection.state === "lingering") {
      this.#bury(connection);
      void this.#slots.purge();
    } else connection.destroy(); // what the driver has not settled by now has an end too
  }

  /** Ends a connection at once, without a goodbye. */
  #bury(connection: PooledConnection): void {
    connection.move("closing");
    connection.destroy();
    this.#buried(connection);
  }

  #buryIdle(since: number): void {
    for (const connection of this.#all) {
      if (connection.state === "idle" && connection.idleSince <= since) this.#bury(connection);
    }
    void this.#slots.purge();
  }

  /** It is gone at the server too, as far as this side can know: its place is free. */
  #buried(connection: PooledConnection): void {
    connection.move("closed");
    this.#all.delete(connection);
    this.#awaitEnd(connection);
    this.#events.disconnected(connection);
    if (this.ownDatabase && !this.#closed) this.#hooks.databaseLost(databaseLost(connection));
    this.#slots.vacate(connection);
    this.#hooks.roomMade();
    this.#refill.check();
    this.#emptied();
  }

  #awaitEnd({ conn }: PooledConnection): void {
    if (conn.ended === undefined) return;
    this.#ending++;
    const over = () => {
      this.#ending--;
      this.#emptied();
    };
    void conn.ended.then(over, over);
  }

  #emptied(): void {
    if (this.connecting + this.#all.size + this.#ending === 0) this.#whenEmpty?.();
  }

  #count(test: (connection: PooledConnection) => boolean): number {
    let count = 0;
    for (const connection of this.#all) if (test(connection)) count++;
    return count;
  }
}

function databaseLost({ whyEnded }: PooledConnection): OperationalError {
  const why =
    whyEnded instanceof Error
      ? whyEnded.message
      : "a statement on it could not be stopped, or it was of no more use";
  return new OperationalError(
    `the private database was lost with its connection (${why}): what is asked from now on finds a new, empty one`,
    whyEnded === undefined ? {} : { cause: whyEnded },
  );
}
