import type { DriverConnection, SessionState } from "../../drivers/driver.js";
import { ConnectionLost } from "../errors/classes.js";
import type { ResultLimit } from "../statement/result-limit.js";
import { moved } from "../transition.js";
import { Cancellations } from "./cancellation.js";
import { NativeListeners } from "./native-listeners.js";

/** The longest that a destroyed session may take to settle what was on it. */
const LAST_MILLIS = 500;

/** The life of a pooled connection. */
export type ConnectionState = "opening" | "idle" | "leased" | "checking" | "cleaning" | "closing" | "closed";

const MOVES = {
  opening: ["idle", "closing", "closed"],
  idle: ["leased", "checking", "closing", "closed"],
  leased: ["idle", "cleaning", "closing", "closed"],
  checking: ["leased", "closing", "closed"],
  cleaning: ["leased", "closing", "closed"],
  closing: ["closed"],
  closed: [],
} as const satisfies Record<ConnectionState, readonly ConnectionState[]>;

/** One connection of the pool, with what the pool knows of it. */
export class PooledConnection {
  readonly conn: DriverConnection;
  /** Past this, by `performance.now()`, it is not lent again. */
  readonly expiresAt: number;
  /** The most statements that are sent on it ahead of their answers. */
  readonly depth: number;
  idleSince = 0;
  /** Why it is of no more use, where that is known. */
  whyEnded: unknown;
  /** When and for what it was lent, for diagnosis. */
  heldSince = 0;
  holder = "";
  holderStack: string | undefined;
  /** Whether its holder has something running on it: one that holds it and runs nothing may be waiting for the pool. */
  busy: () => boolean = () => true;
  /**
   * The statements on it that nobody waits for with `bounded`: called when the driver has left them unsettled for good.
   */
  unsettled: ((lost: ConnectionLost) => void) | undefined;
  readonly #destroyFailed: (lease: PooledConnection, error: unknown) => void;
  readonly #bounded = new Set<(lost: ConnectionLost) => void>();
  readonly cancellations = new Cancellations(this);
  /** Where the pool has `maxResultBytes`. */
  resultLimit: ResultLimit | undefined;
  /** Who has listened on the package's handle before anyone of this program's could. */
  readonly listeners: NativeListeners;
  #state: ConnectionState = "opening";
  #destroyed = false;
  #endedHere = false;
  #last: NodeJS.Timeout | undefined;

  constructor(
    conn: DriverConnection,
    expiresAt: number,
    depth: number,
    destroyFailed: (lease: PooledConnection, error: unknown) => void,
  ) {
    this.conn = conn;
    this.listeners = new NativeListeners(conn.native);
    this.expiresAt = expiresAt;
    this.depth = depth;
    this.#destroyFailed = destroyFailed;
  }

  /** What the session is doing; one that was destroyed is of no use to anyone, whatever its driver says. */
  get session(): SessionState {
    return this.#destroyed ? "broken" : this.conn.state;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Open, and somebody's: counted as in use. */
  get inUse(): boolean {
    return this.#state === "leased" || this.#state === "checking" || this.#state === "cleaning";
  }

  get gone(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  /** Whether the pool ended a session that was alive. */
  get endedHere(): boolean {
    return this.#endedHere;
  }

  /**
   * Ends the session at once. What is in flight rejects by that; what a driver leaves unsettled all the same is lost a
   * moment later.
   */
  destroy(): void {
    if (this.#destroyed) return;
    this.#end();
    this.#destroyed = true;
    try {
      this.conn.destroy();
    } catch (error) {
      this.#destroyFailed(this, error);
    }
    if (this.#state !== "closed") this.#last = setTimeout(() => this.#giveUp(), LAST_MILLIS).unref();
  }

  /** Waits for the driver, but not for ever on a session that was destroyed. */
  bounded<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#bounded.add(reject);
      Promise.resolve(work).then(
        (value) => {
          this.#bounded.delete(reject);
          resolve(value);
        },
        (error) => {
          this.#bounded.delete(reject);
          reject(error);
        },
      );
    });
  }

  /** The one place where a state changes. */
  move(to: ConnectionState): void {
    if (to === "closing") this.#end();
    this.#state = moved("a connection", MOVES, this.#state, to);
    if (to === "idle") this.idleSince = performance.now();
    // Whoever has it next owes nothing of what came before.
    if (to === "idle" || to === "closed") this.cancellations.relieve();
    if (to === "closed") clearTimeout(this.#last);
  }

  #end(): void {
    if (this.session !== "broken") this.#endedHere = true;
  }

  #giveUp(): void {
    const lost = new ConnectionLost("the driver did not settle what was destroyed");
    for (const reject of this.#bounded) reject(lost);
    this.unsettled?.(lost);
  }
}
