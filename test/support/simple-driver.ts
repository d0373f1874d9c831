/** A driver whose sessions answer at once and do nothing, but for what a test has otherwise. */
import { AdbapiError, OperationalError } from "adbapi";
import type { ConnectOptions, Driver, DriverConnection, Result } from "../../drivers/driver.js";

/** Instead of what a session does, or more; `extends object` since tests break the contract. */
export type SessionFacts = Partial<Record<keyof DriverConnection, unknown>>;

/** `session` is asked for each connection; its getters stay getters. */
export function simpleDriver(
  session: (options: ConnectOptions) => SessionFacts = () => ({}),
  facts: Partial<Record<keyof Driver, unknown>> = {},
): Driver {
  return {
    name: "simple",
    paramstyle: "qmark",
    pipeline: 1,
    connect: async (_args: unknown, options: ConnectOptions) => simpleSession(session(options)),
    translate: (error: unknown) =>
      error instanceof AdbapiError ? error : new OperationalError(String(error), { cause: error }),
    ...facts,
  } as Driver;
}

export function simpleSession(facts: SessionFacts = {}): DriverConnection {
  const nothing = async () => {};
  const session = {
    native: undefined,
    id: undefined,
    state: "idle",
    execute: async () => answer(),
    begin: nothing,
    commit: nothing,
    rollback: nothing,
    ping: nothing,
    close: nothing,
    destroy: () => {},
  };
  return Object.defineProperties(session, Object.getOwnPropertyDescriptors(facts)) as DriverConnection;
}

export function answer(...rows: readonly object[]): Result {
  return { rows: [...rows], rowCount: rows.length, lastInsertId: undefined, columns: [] };
}
