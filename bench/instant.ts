/** A driver that answers at once: what is measured over it is the pool's own. */
import type { Driver } from "adbapi";

export const answer = { rows: [], rowCount: 0, lastInsertId: undefined, columns: [] };

/** Honours the contract, and does nothing else. */
export const instant: Driver = {
  name: "instant",
  paramstyle: "qmark",
  pipeline: 16,
  stackable: () => true,
  translate: (error) => error as never,
  connect: async () => ({
    native: undefined,
    id: undefined,
    state: "idle" as const,
    execute: () => Promise.resolve(answer),
    begin: async () => {},
    commit: async () => {},
    rollback: async () => {},
    ping: async () => {},
    close: async () => {},
    destroy: () => {},
  }),
};
