import { inspect } from "node:util";
import type { ResolvedOptions } from "../options/settings.js";
import type { PooledConnection } from "./pooled-connection.js";

type Level = "debug" | "info" | "warn" | "error";

/** What happened to the connections of a pool: counted always, logged as asked. A logger that throws is not heard. */
export class EventLog {
  readonly #options: ResolvedOptions;
  connects = 0;
  disconnects = 0;
  connectFailures = 0;
  losses = 0;
  rollbacks = 0;
  leaks = 0;
  retries = 0;
  #toldOfReset = false;

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  connected(connection: PooledConnection): void {
    this.connects++;
    this.#noisily("info", `connected${named(connection)}`);
  }

  disconnected(connection: PooledConnection): void {
    this.disconnects++;
    this.#noisily("info", `disconnected${named(connection)}`);
  }

  connectFailed(error: Error): void {
    this.connectFailures++;
    this.#noisily("warn", `connect failed: ${error.message}`);
  }

  lost(connection: PooledConnection, error: Error): void {
    this.losses++;
    this.#noisily("warn", `connection${named(connection)} lost: ${error.message}`);
  }

  discarded(connection: PooledConnection, error: unknown): void {
    this.#log("warn", `connection${named(connection)} discarded: ${messageOf(error)}`);
  }

  /** Always logged: no answer shows it. */
  warned(text: string): void {
    this.#log("warn", text);
  }

  destroyFailed(connection: PooledConnection, driver: string, error: unknown): void {
    this.#log(
      "error",
      `destroy of the driver "${driver}" threw for${named(connection)}: ${messageOf(error)}`,
    );
  }

  /** Told once: it costs a connection each time. */
  cannotReset(driver: string): void {
    if (this.#toldOfReset) return;
    this.#toldOfReset = true;
    const cost = "each connection is closed after runWithConnection";
    this.#log(
      "warn",
      `the driver "${driver}" cannot reset a session: ${cost} (resetOnRelease: false keeps it)`,
    );
  }

  closeFailed(connection: PooledConnection, error: unknown): void {
    this.#log("error", `closing${named(connection)} failed: ${messageOf(error)}`);
  }

  rolledBack(why: unknown): void {
    this.rollbacks++;
    this.#noisily("info", `rolled back: ${messageOf(why)}`);
  }

  /** Always logged: the original error is what the caller gets. */
  rollbackFailed(error: unknown): void {
    this.#log("error", `rollback failed: ${messageOf(error)}`);
  }

  /** Warns, once, when the connection is held for longer than it should be. What it gives ends the watch. */
  watch(connection: PooledConnection): (() => void) | undefined {
    const { leakDetectionMillis } = this.#options;
    if (leakDetectionMillis === undefined) return undefined;
    const held = () => this.leaked(connection, performance.now() - connection.heldSince);
    const timer = setTimeout(held, leakDetectionMillis).unref();
    return () => clearTimeout(timer);
  }

  leaked(connection: PooledConnection, heldMillis: number): void {
    this.leaks++;
    const taken = connection.holderStack === undefined ? "" : `\n${connection.holderStack}`;
    this.#log(
      "warn",
      `connection${named(connection)} held for ${Math.round(heldMillis)} ms by ${connection.holder}; taken${taken}`,
    );
  }

  #noisily(level: Level, text: string): void {
    if (this.#options.noisy) this.#log(level, text);
  }

  #log(level: Level, text: string): void {
    try {
      this.#options.logger[level](`adbapi pool "${this.#options.name}": ${text}`);
    } catch {
      // A logger that throws must not harm the work that it logs.
    }
  }
}

function named(connection: PooledConnection): string {
  return connection.conn.id === undefined ? "" : ` ${connection.conn.id}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
}
