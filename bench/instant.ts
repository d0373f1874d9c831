/** A driver that answers at once: what is measured over it is the pool's own. */
import type { Driver, SessionState } from "adbapi";

export const answer = { rows: [], rowCount: 0, lastInsertId: undefined, columns: [] };

/** Honours the contract, and does nothing else. */
export const instant: Driver = {
  name: "instant",
  paramstyle: "qmark",
  pipeline: 16,
  stackable: () => true,
  translate: (error) => error as never,
  connect: async () => {
    let state: SessionState = "idle";
    const end = async () => {
      state = "idle";
    };
    return {
      native: undefined,
      id: undefined,
      get state() {
        return state;
      },
      execute: () => Promise.resolve(answer),
      begin: async () => {
        state = "in transaction";
      },
      commit: end,
      rollback: end,
      ping: async () => {},
      close: async () => {},
      destroy: () => {},
    };
  },
};
