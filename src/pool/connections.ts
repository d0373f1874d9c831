import type { Driver } from "../../drivers/driver.js";
import type { Origin } from "../diagnostics/channels.js";
import { type AdbapiError, OperationalError, PoolClosed } from "../errors/classes.js";
import type { ResolvedOptions } from "../options/settings.js";
import { Connector } from "./connector.js";
import { translated } from "./driver-guard.js";
import type { EventLog } from "./event-log.js";
import { closeGracefully, ProbeTimeout, probe, rollbackAndReset, SETTLE_MILLIS } from "./hygiene.js";
import { Reaper, Refill } from "./maintenance.js";
import type { PooledConnection } from "./pooled-connection.js";
import { Slots } from "./slots.js";

/** A connection used less than this ago is taken to be alive (HikariCP's aliveBypassWindow). */
const PROBE_AFTER_MILLIS = 500;

export interface ConnectionsHooks {
  readonly origin: Origin;
  /** Runs before the first use of each connection, and again after a reset. */
  prepare(lease: PooledConnection): Promise<void>;
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
      prepare: (lease) => hooks.prepare(lease),
      connected: (lease) => {
        this.#all.add(lease);
        events.connected(lease);
      },
      abandoned: (lease) => this.#all.delete(lease),
      lost: (lease, error) => this.#lost(lease, error),
      warned: (text) => events.warned(text),
      destroyFailed: (lease, error) => events.destroyFailed(lease, driver.name, error),
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
      idle: () => [...this.#all].filter((lease) => lease.state === "idle"),
      spare: () => this.open - options.min,
      retire: (connections) => {
        for (const lease of connections) void this.discard(lease);
        void this.#slots.purge();
      },
    });
  }

  get idle(): number {
    return this.#count((lease) => lease.state === "idle");
  }

  /** Idle, and at once to be had. (`idle` counts those too that the dispatcher has not given back yet.) */
  get available(): number {
    return this.#slots.available;
  }

  get inUse(): number {
    return this.#count((lease) => lease.inUse);
  }

  get open(): number {
    return this.#count((lease) => !lease.gone && lease.state !== "opening");
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
    if (this.#closed) return false;
    if (this.available > 0 || !this.#connector.failing) return true;
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
    if (this.#closed) return Promise.reject(this.#closedError());
    this.start();
    return this.#slots.take().then((lease) => this.#admit(lease));
  }

  /** Hands back a clean connection, leased or idle already. */
  release(lease: PooledConnection): void {
    if (lease.gone) return;
    if (this.#closed || lease.session === "broken" || this.expired(lease)) {
      void this.discard(lease);
      return;
    }
    if (lease.state !== "idle") lease.move("idle");
    this.#slots.giveBack(lease);
    this.#reaper.watch(lease);
  }

  /** Too old, or of no use to anyone after who had it. */
  expired(lease: PooledConnection): boolean {
    return performance.now() >= lease.expiresAt || lease.conn.unfit === true;
  }

  /**
   * Brings a session that was somebody's back to a known state: no transaction open, and as new if `reset`. False: it
   * could not be done, and the connection is gone.
   */
  clean(lease: PooledConnection, reset: boolean): boolean | Promise<boolean> {
    if (lease.gone || lease.session === "broken") return false;
    if (lease.session === "idle" && !reset) return true;
    if (reset && lease.conn.reset === undefined) {
      this.#events.cannotReset(this.#driver.name);
      return false;
    }
    return this.#rollbackAndReset(lease, reset);
  }

  /**
   * Takes a connection out of the pool for good. Its place is free once the session is over at the server, or is given
   * up; a thread that is deaf inside of its database goes on without one.
   */
  async discard(lease: PooledConnection): Promise<void> {
    if (lease.gone) return;
    const broken = lease.session === "broken";
    lease.move("closing");
    if (broken) lease.destroy();
    else await closeGracefully(lease).catch((error) => this.#events.closeFailed(lease, error));
    const { departed } = lease.conn;
    if (departed !== undefined) await departed;
    this.#buried(lease);
  }

  /** From here on the pool holds `min` connections, in the background. */
  start(): void {
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
    const open = [...this.#all].filter((lease) => !lease.gone && lease.state !== "opening");
    // One alone at the end: SQLite removes its log with the last, and of two that close in one moment neither finds
    // that it is.
    const last = this.#driver.singleWriter && open.pop();
    await Promise.all(open.map((lease) => this.discard(lease)));
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
    for (const lease of this.#all) lease.destroy();
  }

  get #closed(): boolean {
    return this.#state === "closed";
  }

  async #open(): Promise<PooledConnection> {
    // For those who still stand in generic-pool's line when the attempts before theirs are given up.
    if (this.#closed) throw this.#closedError();
    try {
      const lease = await this.#connector.connect();
      if (this.#closed) {
        // Opened in the moment of the close, which found it neither open nor under way any more.
        void this.discard(lease);
        throw this.#closedError();
      }
      lease.move("idle");
      this.#refill.opened();
      this.#reaper.watch(lease);
      return lease;
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

  #admit(lease: PooledConnection): PooledConnection | Promise<PooledConnection> {
    if (lease.gone) {
      if (lease.state === "closed") this.#slots.vacate(lease);
      return this.acquire();
    }
    if (this.#closed || lease.session === "broken" || this.expired(lease)) {
      void this.discard(lease);
      return this.acquire();
    }
    if (performance.now() - lease.idleSince > PROBE_AFTER_MILLIS) return this.#probe(lease);
    lease.move("leased");
    return lease;
  }

  async #probe(lease: PooledConnection): Promise<PooledConnection> {
    lease.move("checking");
    const since = performance.now();
    try {
      await probe(
        lease,
        this.#options.goodSql,
        Math.min(SETTLE_MILLIS, this.#options.acquireTimeoutMillis / 4),
      );
      if (!lease.gone) {
        lease.move("leased");
        return lease;
      }
    } catch (error) {
      lease.whyEnded = error;
      this.#events.discarded(lease, error);
      if (!lease.gone) this.#bury(lease);
      // A peer that vanished took them all: those that sat idle as long are not worth a deadline each.
      if (error instanceof ProbeTimeout) this.#buryIdle(since);
    }
    return this.acquire();
  }

  async #rollbackAndReset(lease: PooledConnection, reset: boolean): Promise<boolean> {
    lease.move("cleaning");
    try {
      await rollbackAndReset(lease, reset ? () => this.#hooks.prepare(lease) : undefined);
      if (lease.gone) return false;
      lease.move("leased");
      return true;
    } catch (error) {
      lease.whyEnded = error;
      this.#events.discarded(lease, error);
      if (!lease.gone) this.#bury(lease);
      return false;
    }
  }

  /** The session died by itself. */
  #lost(lease: PooledConnection, error: unknown): void {
    lease.whyEnded = error;
    // What ran on it may have failed, and given it up, before this is heard.
    if (!lease.endedHere) this.#events.lost(lease, translated(this.#driver, error));
    if (lease.gone) return;
    if (lease.state === "idle") {
      this.#bury(lease);
      void this.#slots.purge();
    } else lease.destroy(); // what the driver has not settled by now has an end too
  }

  /** Ends a connection at once, without a goodbye. */
  #bury(lease: PooledConnection): void {
    lease.move("closing");
    lease.destroy();
    this.#buried(lease);
  }

  #buryIdle(since: number): void {
    for (const lease of this.#all) if (lease.state === "idle" && lease.idleSince <= since) this.#bury(lease);
    void this.#slots.purge();
  }

  /** It is gone at the server too, as far as this side can know: its place is free. */
  #buried(lease: PooledConnection): void {
    lease.move("closed");
    this.#all.delete(lease);
    this.#awaitEnd(lease);
    this.#events.disconnected(lease);
    if (this.ownDatabase && !this.#closed) this.#hooks.databaseLost(databaseLost(lease));
    this.#slots.vacate(lease);
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

  #count(test: (lease: PooledConnection) => boolean): number {
    let count = 0;
    for (const lease of this.#all) if (test(lease)) count++;
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
