import type { AdbapiError } from "../errors/classes.js";
import type { Connector } from "./connector.js";
import { Refill } from "./maintenance.js";
import type { PooledConnection } from "./pooled-connection.js";
import type { Roster } from "./roster.js";
import { Slots } from "./slots.js";

/** How soon it is looked whether an attempt has become one that hangs. */
const LOOK_MILLIS = 100;

export interface SupplyHooks {
  /** One is ready for its first use. */
  opened(connection: PooledConnection): void;
  /** An attempt failed. */
  failed(error: AdbapiError): void;
  /** More may be opened: the pause after a failure is over. */
  pauseOver(): void;
}

/** How a pool comes to connections: opened where there are places for them, with pauses after failures. */
export class Supply {
  readonly #connector: Connector;
  readonly #roster: Roster;
  readonly #hooks: SupplyHooks;
  readonly #slots: Slots;
  readonly #refill: Refill;
  #retry: NodeJS.Timeout | undefined;

  constructor(
    connector: Connector,
    roster: Roster,
    { min, max }: { readonly min: number; readonly max: number },
    hooks: SupplyHooks,
  ) {
    this.#connector = connector;
    this.#roster = roster;
    this.#hooks = hooks;
    this.#slots = new Slots(max, () => connector.connect());
    this.#refill = new Refill({
      min,
      open: () => roster.open,
      connecting: () => roster.opening,
      spare: () => this.#slots.spare,
      pauseMillis: () => connector.pauseMillis,
      grow: (missing) => {
        for (let n = Math.min(missing, this.#slots.spare); n > 0; n--) this.#open();
      },
      pauseOver: () => hooks.pauseOver(),
    });
  }

  /**
   * So many are to be open or on their way, as far as there are places for them; after a failure, when its pause is
   * over. While connects fail, one that hangs is not waited for.
   */
  ask(count: number): void {
    const { failing, recentAttempts } = this.#connector;
    const missing = count - (failing ? recentAttempts : this.#roster.opening);
    for (let n = Math.min(missing, this.#slots.spare); n > 0; n--) {
      if (!this.#worthATry) {
        this.#tryAgainIn(this.#connector.pauseMillis);
        return;
      }
      this.#open();
    }
    if (failing && count > 0 && missing <= 0) this.#tryAgainIn(LOOK_MILLIS);
  }

  /** From here on `min` connections are kept, in the background. */
  keep(): void {
    this.#refill.start();
  }

  /** Fires once `min` connections are open; rejects with the first failure to open one. */
  full(): Promise<void> {
    return this.#refill.full();
  }

  /** The place of a connection that is gone is free again. */
  vacate(connection: PooledConnection): void {
    this.#slots.vacate(connection);
  }

  /** There may be fewer than `min`. */
  check(): void {
    this.#refill.check();
  }

  /** Opens no more, gives up the attempts that are under way, and leaves no timer behind. */
  stop(reason: AdbapiError): void {
    clearTimeout(this.#retry);
    this.#connector.abort(reason);
    this.#refill.stop(reason);
  }

  /** After a failure there is a pause, unless there is nothing else to wait for. */
  get #worthATry(): boolean {
    if (!this.#connector.failing) return true;
    return this.#roster.open === 0 ? !this.#connector.hasRecentAttempt : this.#connector.pauseMillis <= 0;
  }

  #retried(): void {
    this.#retry = undefined;
    this.#hooks.pauseOver();
  }

  #tryAgainIn(millis: number): void {
    this.#retry ??= setTimeout(() => this.#retried(), Math.max(10, millis)).unref();
  }

  #open(): void {
    this.#roster.attempted();
    void this.#slots.open().then(
      (connection) => {
        this.#roster.attemptOver();
        this.#hooks.opened(connection);
        this.#refill.opened();
      },
      (error) => {
        this.#roster.attemptOver();
        this.#refill.failed(error);
        this.#hooks.failed(error);
        this.#refill.check();
      },
    );
  }
}
