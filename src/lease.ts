import type { DriverConnection } from "../drivers/driver.js";

/** The life of a pooled connection. */
export type LeaseState = "opening" | "idle" | "leased" | "checking" | "cleaning" | "closing" | "closed";

const MOVES = {
  opening: ["idle", "closing", "closed"],
  idle: ["leased", "checking", "closing", "closed"],
  leased: ["idle", "cleaning", "closing", "closed"],
  checking: ["leased", "closing", "closed"],
  cleaning: ["leased", "closing", "closed"],
  closing: ["closed"],
  closed: [],
} as const satisfies Record<LeaseState, readonly LeaseState[]>;

/** One connection of the pool, with what the pool knows of it. */
export class Lease {
  readonly conn: DriverConnection;
  /** Past this, by `performance.now()`, it is not lent again. */
  readonly expiresAt: number;
  idleSince = 0;
  /** When and for what it was lent, for diagnosis. */
  heldSince = 0;
  holder = "";
  holderStack: string | undefined;
  /** Whether its holder has something running on it: one that holds it and runs nothing may be waiting for the pool. */
  busy: () => boolean = () => true;
  #state: LeaseState = "opening";

  constructor(conn: DriverConnection, expiresAt: number) {
    this.conn = conn;
    this.expiresAt = expiresAt;
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** Open, and somebody's: counted as in use. */
  get inUse(): boolean {
    return this.#state === "leased" || this.#state === "checking" || this.#state === "cleaning";
  }

  get gone(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  /** The one place where a state changes. */
  move(to: LeaseState): void {
    if (!(MOVES[this.#state] as readonly LeaseState[]).includes(to)) {
      throw new Error(`a connection cannot go from ${this.#state} to ${to}`);
    }
    this.#state = to;
    if (to === "idle") this.idleSince = performance.now();
  }
}
