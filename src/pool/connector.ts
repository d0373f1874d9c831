import type { Driver } from "../../drivers/driver.js";
import { channels, type Origin, tracedPromise } from "../diagnostics/channels.js";
import { type AdbapiError, OperationalError } from "../errors/classes.js";
import { connectFailed } from "../errors/details.js";
import type { ResolvedOptions } from "../options/settings.js";
import { ResultLimit } from "../statement/result-limit.js";
import { Backoff } from "../timeouts/backoff.js";
import { checkConnection, translated } from "./driver-guard.js";
import { PooledConnection } from "./pooled-connection.js";

/** A connect that takes longer is no reason for others to wait for its end. */
const HOPE_MILLIS = 1_000;
/** The longest that a connect may take, however long its takers would wait. */
const CONNECT_MILLIS = 15_000;

export interface ConnectorHooks {
  readonly origin: Origin;
  /** Runs before the first use of each connection. */
  prepare(connection: PooledConnection): Promise<void>;
  /** A session has come to be, and is not ready for use yet. */
  connected(connection: PooledConnection): void;
  /** It did not get ready, and is no more. */
  abandoned(connection: PooledConnection): void;
  /** A session died by itself. */
  lost(connection: PooledConnection, error: unknown): void;
  /** The server said something that the operator must know of. */
  warned(text: string): void;
  /** The driver's `destroy` threw: whatever that left behind. */
  readonly destroyFailed: (connection: PooledConnection, error: unknown) => void;
}

/**
 * Opens connections, each by its deadline, and remembers how that goes: after failures there is a pause before more are
 * opened beside others.
 */
export class Connector {
  readonly #driver: Driver;
  readonly #args: readonly unknown[];
  readonly #options: ResolvedOptions;
  readonly #hooks: ConnectorHooks;
  /** Attempts under way, and when each began. */
  readonly #attempts = new Map<AbortController, number>();
  readonly #backoff = new Backoff(10, 5_000);
  #pauseUntil = 0;
  /** Whether no attempt has succeeded since the last that failed; changed here alone. */
  failing = false;
  /** Why the last attempt failed, since the last that did not. */
  lastFailure: AdbapiError | undefined;

  constructor(driver: Driver, args: readonly unknown[], options: ResolvedOptions, hooks: ConnectorHooks) {
    this.#driver = driver;
    this.#args = args;
    this.#options = options;
    this.#hooks = hooks;
  }

  get underWay(): number {
    return this.#attempts.size;
  }

  /** Whether an attempt is young enough to wait for. */
  get hasRecentAttempt(): boolean {
    return this.recentAttempts > 0;
  }

  /** How many attempts are young enough to wait for. */
  get recentAttempts(): number {
    const since = performance.now() - HOPE_MILLIS;
    let count = 0;
    for (const begun of this.#attempts.values()) if (begun > since) count++;
    return count;
  }

  /** How much is left of the pause after the last failure; 0 or less when it is over. */
  get pauseMillis(): number {
    return this.#pauseUntil - performance.now();
  }

  /**
   * Fires with a connection that is ready for its first taker; rejects with the translated reason why there is none,
   * and leaves nothing open.
   */
  async connect(): Promise<PooledConnection> {
    const attempt = new AbortController();
    const { signal } = attempt;
    this.#attempts.set(attempt, performance.now());
    // A little ahead of those who wait for it, so that they hear the reason instead of their own deadline.
    const deadline = Math.min(0.9 * this.#options.acquireTimeoutMillis, CONNECT_MILLIS);
    const late = `no connection within ${Math.round(deadline)} ms: the server does not answer`;
    const timer = setTimeout(() => attempt.abort(new OperationalError(late)), deadline).unref();
    let opened: PooledConnection | undefined;
    try {
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      const connecting = this.#traced(signal);
      // A driver that does not heed the signal: what it opens has no taker.
      connecting.then(
        (connection) => signal.aborted && this.#abandon(connection),
        () => {},
      );
      opened = await Promise.race([connecting, aborted]);
      await Promise.race([this.#hooks.prepare(opened), aborted]);
      const { session } = opened;
      if (session !== "idle") throw new OperationalError(`the connection was ${session} after it was opened`);
      this.#backoff.reset();
      this.failing = false;
      this.#pauseUntil = 0;
      this.lastFailure = undefined;
      return opened;
    } catch (error) {
      if (opened !== undefined) this.#abandon(opened);
      throw this.#failed(error);
    } finally {
      clearTimeout(timer);
      this.#attempts.delete(attempt);
    }
  }

  /** Gives up all attempts. */
  abort(reason: AdbapiError): void {
    for (const attempt of this.#attempts.keys()) attempt.abort(reason);
  }

  #traced(signal: AbortSignal): Promise<PooledConnection> {
    if (!channels.connect.hasSubscribers) return this.#open(signal);
    const open = () => this.#open(signal).catch((error) => Promise.reject(translated(this.#driver, error)));
    return tracedPromise(channels.connect, { ...this.#hooks.origin }, open);
  }

  async #open(signal: AbortSignal): Promise<PooledConnection> {
    const { name, prepare, pipeline, int64, maxLifetimeMillis, maxResultBytes } = this.#options;
    let connection: PooledConnection | undefined;
    const conn = await this.#driver.connect(this.#args, {
      settings: { name, prepare, pipeline: pipeline ?? this.#driver.pipeline, int64, maxResultBytes },
      signal,
      onLost: (error) => connection !== undefined && this.#hooks.lost(connection, error),
      onWarning: (text) => this.#hooks.warned(text),
    });
    checkConnection(this.#driver, conn);
    // ±2.5 %: connections opened together do not all die in one moment.
    const lifetime = maxLifetimeMillis * (0.975 + Math.random() * 0.05);
    const depth = pipeline ?? Math.min(this.#driver.pipeline, conn.pipeline ?? Number.POSITIVE_INFINITY);
    connection = new PooledConnection(conn, performance.now() + lifetime, depth, this.#hooks.destroyFailed);
    if (maxResultBytes !== undefined) connection.resultLimit = new ResultLimit(conn, maxResultBytes);
    this.#hooks.connected(connection);
    return connection;
  }

  #abandon(connection: PooledConnection): void {
    if (connection.gone) return;
    connection.move("closed");
    connection.destroy();
    this.#hooks.abandoned(connection);
  }

  #failed(error: unknown): AdbapiError {
    const failure = connectFailed(translated(this.#driver, error));
    this.lastFailure = failure;
    this.failing = true;
    const now = performance.now();
    // Attempts that fail together are one failure of the server's.
    if (now >= this.#pauseUntil) this.#pauseUntil = now + this.#backoff.next();
    return failure;
  }
}
