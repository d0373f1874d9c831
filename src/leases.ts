import { createPool, type Pool } from "generic-pool";
import type { Driver } from "../drivers/driver.js";
import { Backoff } from "./backoff.js";
import { within } from "./deadline.js";
import { channels, type Origin, tracedPromise } from "./diagnostics.js";
import { type AdbapiError, OperationalError, PoolClosed } from "./errors.js";
import type { Journal } from "./journal.js";
import { Lease } from "./lease.js";
import type { ResolvedOptions } from "./options.js";

/** A connection used less than this ago is taken to be alive (HikariCP's aliveBypassWindow). */
const PROBE_AFTER_MILLIS = 500;
/** The longest that a session may take to answer a probe, a rollback or a reset, or to say goodbye. */
const SETTLE_MILLIS = 5_000;

/** A connect that takes longer is no reason for others to wait for its end. */
const HOPE_MILLIS = 1_000;

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
  readonly #driver: Driver;
  readonly #args: readonly unknown[];
  readonly #options: ResolvedOptions;
  readonly #journal: Journal;
  readonly #hooks: LeasesHooks;
  readonly #pool: Pool<Lease | Stillborn>;
  /** Every connection that is open, or closing and not yet gone. */
  readonly #all = new Set<Lease>();
  /** Those under way, and when each began. */
  readonly #attempts = new Map<AbortController, number>();
  readonly #backoff = new Backoff(10, 5_000);
  /** Until then, by `performance.now()`, nothing is opened beside connections that are there. */
  #pauseUntil = 0;
  #refillTimer: NodeJS.Timeout | undefined;
  #keeperTimer: NodeJS.Timeout | undefined;
  #keeperDue = Number.POSITIVE_INFINITY;
  #state: "new" | "started" | "closed" = "new";
  #whenEmpty: (() => void) | undefined;
  /** Those who wait in `fill`. */
  #fillers: { resolve(): void; reject(error: unknown): void }[] = [];
  /** Why the last connect failed, since the last that did not. */
  lastFailure: AdbapiError | undefined;

  constructor(
    driver: Driver,
    args: readonly unknown[],
    options: ResolvedOptions,
    journal: Journal,
    hooks: LeasesHooks,
  ) {
    this.#driver = driver;
    this.#args = args;
    this.#options = options;
    this.#journal = journal;
    this.#hooks = hooks;
    this.#pool = createPool<Lease | Stillborn>(
      { create: () => this.#create(), destroy: async () => {} },
      { min: 0, max: options.max, fifo: false, autostart: false, testOnBorrow: false },
    );
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
    return this.#attempts.size;
  }

  /** Whether a connection is there, or may be there soon: then the failure to open one is no reason to give up. */
  get promising(): boolean {
    if (this.open > 0) return true;
    const since = performance.now() - HOPE_MILLIS;
    return [...this.#attempts.values()].some((begun) => begun > since);
  }

  /** Those that are lent now, for diagnosis. */
  held(): Lease[] {
    return [...this.#all].filter((lease) => lease.inUse);
  }

  /** Whether `acquire` may be asked now: something idle is there, or may be opened. */
  get ready(): boolean {
    if (this.#state === "closed") return false;
    if (this.#pool.available > 0 || this.#backoff.failures === 0) return true;
    if (this.open === 0) return !this.promising;
    return performance.now() >= this.#pauseUntil;
  }

  /** How long it is until it is worth asking again whether it is `ready`. */
  get pauseMillis(): number {
    return Math.max(10, this.#pauseUntil - performance.now());
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
    if (this.#state === "closed" || lease.conn.state === "broken" || this.expired(lease)) {
      void this.discard(lease);
      return;
    }
    if (lease.state !== "idle") lease.move("idle");
    void this.#pool.release(lease);
    this.#wakeKeeper(Math.min(lease.expiresAt, lease.idleSince + this.#options.idleTimeoutMillis));
  }

  expired(lease: Lease): boolean {
    return performance.now() >= lease.expiresAt;
  }

  /**
   * Brings a session that was somebody's back to a known state: no transaction open, and as new if `reset`. False: it could not be
   * done, and the connection is gone.
   */
  clean(lease: Lease, reset: boolean): boolean | Promise<boolean> {
    if (lease.gone || lease.conn.state === "broken") return false;
    if (lease.conn.state === "idle" && !reset) return true;
    return this.#scrub(lease, reset);
  }

  /** Takes a connection out of the pool for good. Its place is free once the session is over at the server, or is given up. */
  async discard(lease: Lease): Promise<void> {
    if (lease.gone) return;
    const broken = lease.conn.state === "broken";
    lease.move("closing");
    if (broken) lease.conn.destroy();
    else await this.#sayGoodbye(lease);
    if (lease.conn.ended !== undefined) await lease.conn.ended;
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

  /** Closes everything; nothing may be lent any more. Fires when no connection is left. */
  async close(): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#refillTimer);
    clearTimeout(this.#keeperTimer);
    const closed = this.#closedError();
    for (const attempt of this.#attempts.keys()) attempt.abort(closed);
    this.#tellFillers(closed);
    // What is being opened is ended by its attempt.
    const open = [...this.#all].filter((lease) => !lease.gone && lease.state !== "opening");
    await Promise.all(open.map((lease) => this.discard(lease)));
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      this.#emptied();
    });
    await this.#purge();
  }

  /** Ends every connection at once, whatever runs on it. */
  destroyAll(): void {
    for (const lease of this.#all) lease.conn.destroy();
  }

  async #create(): Promise<Lease | Stillborn> {
    const attempt = new AbortController();
    this.#attempts.set(attempt, performance.now());
    // A little ahead of those who wait for it, so that they hear the reason instead of their own deadline.
    const deadline = Math.min(0.9 * this.#options.acquireTimeoutMillis, 15_000);
    const late = () =>
      new OperationalError(`no connection within ${Math.round(deadline)} ms: the server does not answer`);
    const timer = setTimeout(() => attempt.abort(late()), deadline).unref();
    let opened: Lease | undefined;
    let failure: AdbapiError | undefined;
    try {
      const aborted = new Promise<never>((_, reject) => {
        attempt.signal.addEventListener("abort", () => reject(attempt.signal.reason), { once: true });
      });
      const open = () => this.#open(attempt.signal);
      const connecting = channels.connect.hasSubscribers
        ? tracedPromise(channels.connect, { ...this.#hooks.origin }, open)
        : open();
      connecting.then(
        (lease) => attempt.signal.aborted && this.#destroyLate(lease),
        () => {},
      );
      opened = await Promise.race([connecting, aborted]);
      await Promise.race([this.#hooks.prepare(opened), aborted]);
      if (opened.conn.state !== "idle")
        throw new OperationalError("the connection was not idle after it was opened");
      this.#backoff.reset();
      this.#pauseUntil = 0;
      this.lastFailure = undefined;
      opened.move("idle");
      if (this.open >= this.#options.min) this.#tellFillers(undefined);
      this.#wakeKeeper(Math.min(opened.expiresAt, opened.idleSince + this.#options.idleTimeoutMillis));
      return opened;
    } catch (error) {
      if (opened !== undefined) this.#destroyLate(opened);
      failure = this.#failed(error);
      return new Stillborn(failure);
    } finally {
      clearTimeout(timer);
      this.#attempts.delete(attempt);
      if (failure !== undefined) this.#hooks.connectFailed(failure);
      this.#emptied();
    }
  }

  async #open(signal: AbortSignal): Promise<Lease> {
    const { name, prepare, pipeline, int64, maxLifetimeMillis } = this.#options;
    let lease: Lease | undefined;
    const conn = await this.#driver.connect(this.#args, {
      settings: { name, prepare, pipeline, int64 },
      signal,
      onLost: (error) => lease !== undefined && this.#lost(lease, error),
    });
    // ±2.5 %: connections opened together do not all die in one moment.
    const lifetime = maxLifetimeMillis * (0.975 + Math.random() * 0.05);
    lease = new Lease(conn, performance.now() + lifetime);
    this.#all.add(lease);
    this.#journal.connected(lease);
    return lease;
  }

  #destroyLate(lease: Lease): void {
    if (lease.gone) return;
    lease.move("closed");
    lease.conn.destroy();
    this.#all.delete(lease);
    this.#emptied();
  }

  #failed(error: unknown): AdbapiError {
    const translated = this.#driver.translate(error);
    this.lastFailure = translated;
    const now = performance.now();
    // Attempts that fail together are one failure of the server's.
    if (now >= this.#pauseUntil) this.#pauseUntil = now + this.#backoff.next();
    if (this.#state !== "closed") this.#journal.connectFailed(translated);
    this.#tellFillers(translated);
    // Those whom it was for may have been served meanwhile by a connection that returned: then nobody takes the stillborn out.
    setImmediate(() => void this.#purge());
    return translated;
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
    if (this.#state === "closed" || entry.conn.state === "broken" || this.expired(entry)) {
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
    const deadline = Math.min(SETTLE_MILLIS, this.#options.acquireTimeoutMillis / 4);
    let silent = false;
    const late = () => {
      silent = true;
      return new OperationalError(`a probe had no answer in ${Math.round(deadline)} ms`);
    };
    try {
      await within(lease.conn.ping(this.#options.goodSql), deadline, late);
      if (lease.conn.state === "idle" && !lease.gone) {
        lease.move("leased");
        return lease;
      }
    } catch (error) {
      this.#journal.discarded(lease, error);
    }
    if (!lease.gone) this.#bury(lease);
    if (silent) {
      // A peer that vanished took them all: those that sat idle as long are not worth a deadline each.
      for (const other of this.#all)
        if (other.state === "idle" && other.idleSince <= since) this.#bury(other);
      void this.#purge();
    }
    return this.acquire();
  }

  async #scrub(lease: Lease, reset: boolean): Promise<boolean> {
    const { conn } = lease;
    lease.move("cleaning");
    const late = () => new OperationalError(`the session did not settle in ${SETTLE_MILLIS} ms`);
    try {
      if (conn.state === "in transaction" || conn.state === "unknown")
        await within(conn.rollback(), SETTLE_MILLIS, late);
      if (reset) {
        if (conn.reset === undefined) throw new OperationalError("this driver cannot reset a session");
        await within(conn.reset(), SETTLE_MILLIS, late);
        await within(this.#hooks.prepare(lease), SETTLE_MILLIS, late);
      }
      if (conn.state !== "idle")
        throw new OperationalError(`the session is ${conn.state} after it was cleaned`);
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
    this.#journal.lost(lease, this.#driver.translate(error));
    const idle = lease.state === "idle";
    if (idle) {
      this.#bury(lease);
      void this.#purge();
    }
  }

  /** Ends a connection at once, without a goodbye. */
  #bury(lease: Lease): void {
    lease.move("closing");
    lease.conn.destroy();
    if (lease.conn.ended === undefined) this.#buried(lease);
    else void lease.conn.ended.then(() => this.#buried(lease));
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

  async #sayGoodbye(lease: Lease): Promise<void> {
    const late = () => new OperationalError(`close had no answer in ${SETTLE_MILLIS} ms`);
    try {
      await within(lease.conn.close(), SETTLE_MILLIS, late);
    } catch (error) {
      this.#journal.closeFailed(lease, error);
      lease.conn.destroy();
    }
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
    const wait = this.#pauseUntil - performance.now();
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

  /** One timer for all that ends by itself: idle connections above `min`, and old ones. */
  #wakeKeeper(due: number): void {
    if (due >= this.#keeperDue || this.#state !== "started" || due === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#keeperTimer);
    this.#keeperDue = due;
    const wait = Math.min(Math.max(due - performance.now(), 1), 2 ** 31 - 1);
    this.#keeperTimer = setTimeout(() => this.#keep(), wait).unref();
  }

  #keep(): void {
    this.#keeperDue = Number.POSITIVE_INFINITY;
    const now = performance.now();
    const idle = [...this.#all]
      .filter((lease) => lease.state === "idle")
      .sort((a, b) => a.idleSince - b.idleSince);
    let spare = this.open - this.#options.min;
    let next = Number.POSITIVE_INFINITY;
    for (const lease of idle) {
      const bored = spare > 0 && now >= lease.idleSince + this.#options.idleTimeoutMillis;
      if (bored || now >= lease.expiresAt) {
        spare--;
        void this.discard(lease);
      } else {
        const mayBore =
          spare > 0 ? lease.idleSince + this.#options.idleTimeoutMillis : Number.POSITIVE_INFINITY;
        next = Math.min(next, lease.expiresAt, mayBore);
      }
    }
    void this.#purge();
    this.#wakeKeeper(next);
  }

  #emptied(): void {
    if (this.#attempts.size === 0 && this.#all.size === 0) this.#whenEmpty?.();
  }

  #count(test: (lease: Lease) => boolean): number {
    let count = 0;
    for (const lease of this.#all) if (test(lease)) count++;
    return count;
  }
}
