import type { Faults } from "./faults.js";
import type { Facts } from "./reset.js";

/** What a connection must know of its session. */
export interface ConnectionSetup {
  /** What the server said of the new session. */
  readonly facts: Facts;
  /** How many statements it takes ahead of their answers; undefined: as many as the driver says. */
  readonly pipeline: 1 | undefined;
  /** How many the pool wants to have in flight at the most. */
  readonly most: number;
  readonly onLost: (error: unknown) => void;
  /** What the package throws where no promise catches it. */
  readonly faults: Faults;
  /** Runs one statement on a session of its own, and closes that. */
  readonly aside: (sql: string) => Promise<void>;
}
