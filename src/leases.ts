import { createPool, type Pool } from "generic-pool";
import type { Driver } from "../drivers/driver.js";
import { Connector } from "./connector.js";
import type { Origin } from "./diagnostics.js";
import { translated } from "./driver-faults.js";
import { type AdbapiError, PoolClosed } from "./errors.js";
import { probe, SETTLE_MILLIS, Silence, sayGoodbye, scrub } from "./hygiene.js";
import type { Journal } from "./journal.js";
import { Keeper } from "./keeper.js";
import type { Lease } from "./lease.js";
import type { ResolvedOptions } from "./options.js";

/** A connection used less than this ago is taken to be alive (HikariCP's aliveBypassWindow). */
const PROBE_AFTER_MILLIS = 500;

/** What a failed connect leaves in generic-pool: its `create` must resolve, or it spins and forgets who waits (node-pool #175, #183). */
class Stillborn {
  readonly error: AdbapiError;
  constructor(error: AdbapiError) {
    this.error = error;
  }
}

export interface LeasesHooks {
  readonly origin: Origin;
  /** Runs before the first use of each connection, and again after a reset. */
  prepare(lease: Lease): Promise<void>;
  /** A place may be free: a connection closed, or the back-off is over. */
  roomMade(): void;
  /** An attempt failed, whoever it was for. */
  connectFailed(error: AdbapiError): void;
}

/**
 * The connections of a pool: opens, probes, lends, cleans, expires and closes them. The one place that knows generic-pool, whose queue
 * is kept empty of meaning: who gets a connection is decided by the dispatcher.
 */
export class Leases {
  readonly #options: ResolvedOptions;
  readonly #driver: Driver;
  readonly #journal: Journal;
  readonly #hooks: LeasesHooks;
  readonly #connector: Connector;
  readonly #pool: Pool<Lease | Stillborn>;
  readonly #keeper: Keeper;
  /** Every connection that is open, opening, or closing and not yet gone. */
  readonly #all = new Set<Lease>();
  #refillTimer: NodeJS.Timeout | undefined;
  #state: "new" | "started" | "closed" = "new";
  #whenEmpty: (() => void) | undefined;
  /** Those who wait in `fill`. */
  #fillers: { resolve(): void; reject(error: unknown): void }[] = [];

  constructor(
    driver: Driver,
    args: readonly unknown[],
    options: ResolvedOptions,
    journal: Journal,
    hooks: LeasesHooks,
  ) {
    this.#driver = driver;
    this.#options = options;
    this.#journal = journal;
    this.#hooks = hooks;
    this.#connector = new Connector(driver, args, options, {
      origin: hooks.origin,
      prepare: (lease) => hooks.prepare(lease),
      connected: (lease) => {
        this.#all.add(lease);
        journal.connected(lease);
      },
      abandoned: (lease) => this.#all.delete(lease),
      lost: (lease, error) => this.#lost(lease, error),
      destroyFailed: (lease, error) => journal.destroyFailed(lease, driver.name, error),
    });
    this.#pool = createPool<Lease | Stillborn>(
      { create: () => this.#create(), destroy: async () => {} },
      { min: 0, max: options.max, fifo: false, autostart: false, testOnBorrow: false },
    );
    this.#keeper = new Keeper({
      idleTimeoutMillis: options.idleTimeoutMillis,
      idle: () => [...this.#all].filter((lease) => lease.state === "idle"),
      spare: () => this.open - options.min,
      retire: (leases) => {
        for (const lease of leases) void this.discard(lease);
        void this.#purge();
      },
    });
  }

  get idle(): number {
    return this.#count((lease) => lease.state === "idle");
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
  get promising(): boolean {
    return this.open > 0 || this.#connector.hopeful;
  }

  /** Whether `acquire` may be asked now: something idle is there, or may be opened. */
  get ready(): boolean {
    if (this.#state === "closed") return false;
    if (this.#pool.available > 0 || !this.#connector.failing) return true;
    if (this.open === 0) return !this.promising;
    return this.#connector.pauseMillis <= 0;
  }

  /** How long it is until it is worth asking again whether it is `ready`. */
  get pauseMillis(): number {
    return Math.max(10, this.#connector.pauseMillis);
  }

  /** Fires with a connection that is alive, prepared and the taker's alone; rejects with the reason why none can be opened. */
  acquire(): Promise<Lease> {
    if (this.#state === "closed") return Promise.reject(this.#closedError());
    this.start();
    return this.#pool.acquire().then((entry) => this.#admit(entry));
  }

  /** Hands back a clean connection, leased or idle already. */
  release(lease: Lease): void {
    if (lease.gone) return;
    if (this.#state === "closed" || lease.session === "broken" || this.expired(lease)) {
      void this.discard(lease);
      return;
    }
    if (lease.state !== "idle") lease.move("idle");
    void this.#pool.release(lease);
    this.#keeper.watch(lease);
  }

  expired(lease: Lease): boolean {
    return performance.now() >= lease.expiresAt;
  }

  /**
   * Brings a session that was somebody's back to a known state: no transaction open, and as new if `reset`. False: it could not be
   * done, and the connection is gone.
   */
  clean(lease: Lease, reset: boolean): boolean | Promise<boolean> {
    if (lease.gone || lease.session === "broken") return false;
    if (lease.session === "idle" && !reset) return true;
    if (reset && lease.conn.reset === undefined) {
      this.#journal.cannotReset(this.#driver.name);
      return false;
    }
    return this.#scrub(lease, reset);
  }

  /** Takes a connection out of the pool for good. Its place is free once the session is over at the server, or is given up. */
  async discard(lease: Lease): Promise<void> {
    if (lease.gone) return;
    const broken = lease.session === "broken";
    lease.move("closing");
    if (broken) lease.destroy();
    else await sayGoodbye(lease).catch((error) => this.#journal.closeFailed(lease, error));
    await this.#ended(lease);
    this.#buried(lease);
  }

  /** From here on the pool holds `min` connections, in the background. */
  start(): void {
    if (this.#state !== "new") return;
    this.#state = "started";
    // The caller's own connection is on its way first.
    queueMicrotask(() => this.#refill());
  }

  /** Fires once `min` connections are open; rejects with the first failure to open one. */
  async fill(): Promise<void> {
    if (this.#state === "closed") throw this.#closedError();
    this.#state = "started";
    if (this.open >= this.#options.min) return;
    await new Promise<void>((resolve, reject) => {
      this.#fillers.push({ resolve, reject });
      this.#grow(this.#options.min - this.open - this.connecting);
    });
  }

  /** Closes everything; nothing may be lent any more. Fires when no connection is left; past `millis` that is made so by force. */
  async close(millis: number): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#refillTimer);
    this.#keeper.stop();
    const closed = this.#closedError();
    this.#connector.abort(closed);
    this.#tellFillers(closed);
    // What is being opened is ended by its attempt.
    const force = setTimeout(() => this.destroyAll(), millis);
    const open = [...this.#all].filter((lease) => !lease.gone && lease.state !== "opening");
    await Promise.all(open.map((lease) => this.discard(lease)));
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      this.#emptied();
    });
    clearTimeout(force);
    await this.#purge();
  }

  /** Ends every connection at once, whatever runs on it. */
  destroyAll(): void {
    for (const lease of this.#all) lease.destroy();
  }

  get #closed(): boolean {
    return this.#state === "closed";
  }

  async #create(): Promise<Lease | Stillborn> {
    // For those who still stand in generic-pool's line when the attempts before theirs are given up.
    if (this.#closed) return new Stillborn(this.#closedError());
    try {
      const lease = await this.#connector.connect();
      if (this.#closed) {
        // Opened in the moment of the close, which found it neither open nor under way any more.
        void this.discard(lease);
        throw this.#closedError();
      }
      lease.move("idle");
      if (this.open >= this.#options.min) this.#tellFillers(undefined);
      this.#keeper.watch(lease);
      return lease;
    } catch (error) {
      return this.#stillborn(error as AdbapiError);
    } finally {
      this.#emptied();
    }
  }

  #stillborn(failure: AdbapiError): Stillborn {
    if (this.#state !== "closed") this.#journal.connectFailed(failure);
    this.#tellFillers(failure);
    // Those whom it was for may have been served meanwhile by a connection that returned: then nobody takes the stillborn out.
    setImmediate(() => void this.#purge());
    this.#hooks.connectFailed(failure);
    return new Stillborn(failure);
  }

  #tellFillers(failure: AdbapiError | undefined): void {
    const fillers = this.#fillers;
    this.#fillers = [];
    for (const { resolve, reject } of fillers) failure === undefined ? resolve() : reject(failure);
  }

  #closedError(): PoolClosed {
    return new PoolClosed(`the pool "${this.#options.name}" is closed`);
  }

  #admit(entry: Lease | Stillborn): Lease | Promise<Lease> {
    if (entry instanceof Stillborn) {
      this.#forget(entry);
      throw entry.error;
    }
    if (entry.gone) {
      if (entry.state === "closed") this.#forget(entry);
      return this.acquire();
    }
    if (this.#state === "closed" || entry.session === "broken" || this.expired(entry)) {
      void this.discard(entry);
      return this.acquire();
    }
    if (performance.now() - entry.idleSince > PROBE_AFTER_MILLIS) return this.#probe(entry);
    entry.move("leased");
    return entry;
  }

  async #probe(lease: Lease): Promise<Lease> {
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
      this.#journal.discarded(lease, error);
      if (!lease.gone) this.#bury(lease);
      // A peer that vanished took them all: those that sat idle as long are not worth a deadline each.
      if (error instanceof Silence) this.#buryIdle(since);
    }
    return this.acquire();
  }

  async #scrub(lease: Lease, reset: boolean): Promise<boolean> {
    lease.move("cleaning");
    try {
      await scrub(lease, reset ? () => this.#hooks.prepare(lease) : undefined);
      if (lease.gone) return false;
      lease.move("leased");
      return true;
    } catch (error) {
      this.#journal.discarded(lease, error);
      if (!lease.gone) this.#bury(lease);
      return false;
    }
  }

  /** The session died by itself. */
  #lost(lease: Lease, error: unknown): void {
    if (lease.gone) return;
    this.#journal.lost(lease, translated(this.#driver, error));
    if (lease.state === "idle") {
      this.#bury(lease);
      void this.#purge();
    } else lease.destroy(); // what the driver has not settled by now has an end too
  }

  /** Ends a connection at once, without a goodbye. */
  #bury(lease: Lease): void {
    lease.move("closing");
    lease.destroy();
    if (lease.conn.ended === undefined) this.#buried(lease);
    else void this.#ended(lease).then(() => this.#buried(lease));
  }

  async #ended({ conn }: Lease): Promise<void> {
    await conn.ended?.catch(() => {});
  }

  #buryIdle(since: number): void {
    for (const lease of this.#all) if (lease.state === "idle" && lease.idleSince <= since) this.#bury(lease);
    void this.#purge();
  }

  /** It is gone at the server too, as far as this side can know: its place is free. */
  #buried(lease: Lease): void {
    lease.move("closed");
    this.#all.delete(lease);
    this.#journal.disconnected(lease);
    this.#forget(lease);
    this.#hooks.roomMade();
    this.#refill();
    this.#emptied();
  }

  /** Gives up its place in generic-pool, if it is on loan; what is idle there is found by `#purge`. */
  #forget(entry: Lease | Stillborn): void {
    if (this.#pool.isBorrowedResource(entry)) void this.#pool.destroy(entry);
  }

  /** generic-pool gives up only what is on loan: borrow all that is idle, keep the living, and make up for the others. */
  async #purge(): Promise<void> {
    await this.#borrow(this.#pool.available - this.#pool.pending);
    this.#refill();
  }

  /** Opens so many more. */
  #grow(missing: number): void {
    if (missing <= 0) return;
    // generic-pool opens more only for those who wait beyond what is idle, or being opened, and asked for by nobody.
    const { size, borrowed, pending } = this.#pool;
    void this.#borrow(missing + size - borrowed - pending).then(() => this.#hooks.roomMade());
  }

  /** Borrows so many from generic-pool, and hands them back unless they are of no use. */
  async #borrow(count: number): Promise<void> {
    const requests: Promise<void>[] = [];
    const one = (entry: Lease | Stillborn) => {
      if (entry instanceof Stillborn || entry.state === "closed") this.#forget(entry);
      // One that is closing keeps its place until it is gone.
      else if (entry.state !== "closing") void this.#pool.release(entry);
    };
    for (let n = 0; n < count; n++) requests.push(this.#pool.acquire().then(one));
    await Promise.all(requests);
  }

  #refill(): void {
    if (this.#state !== "started" || this.#refillTimer !== undefined) return;
    const missing = Math.min(
      this.#options.min - this.open - this.connecting,
      this.#pool.spareResourceCapacity,
    );
    if (missing <= 0) return;
    const wait = this.#connector.pauseMillis;
    if (wait <= 0) {
      this.#grow(missing);
      return;
    }
    this.#refillTimer = setTimeout(() => {
      this.#refillTimer = undefined;
      this.#hooks.roomMade();
      this.#refill();
    }, wait).unref();
  }

  #emptied(): void {
    if (this.connecting === 0 && this.#all.size === 0) this.#whenEmpty?.();
  }

  #count(test: (lease: Lease) => boolean): number {
    let count = 0;
    for (const lease of this.#all) if (test(lease)) count++;
    return count;
  }
}
