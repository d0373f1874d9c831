/** Sessions of the PostgreSQL driver, spoken to without a pool. */
import { pg } from "adbapi/drivers/pg";
import { onTestFinished } from "vitest";
import type { DriverConnection, DriverSettings, Params, Result, Statement } from "../../drivers/driver.js";

export type Session = Required<
  Omit<DriverConnection, "ended"> & { readonly run: (sql: string, params?: Params) => Promise<Result> }
>;

export const SETTINGS: DriverSettings = { name: "pg-test", prepare: true, pipeline: 16, int64: "driver" };

export function statement(sql: string, params?: Params, rowMode: Statement["rowMode"] = "object"): Statement {
  return { sql, params: params === undefined ? undefined : pg.bind!(params), rowMode };
}

/** A session that ends with its test. Sessions keep no process alive; the test runner does that. */
export async function openSession(
  url: string,
  settings: Partial<DriverSettings> = {},
  onLost: (error: unknown) => void = () => {},
): Promise<Session> {
  const { signal } = new AbortController();
  const args = pg.checkArgs!([url]);
  const connection = await pg.connect(args, { settings: { ...SETTINGS, ...settings }, signal, onLost });
  onTestFinished(() => connection.destroy());
  const run = (sql: string, params?: Params) => connection.execute(statement(sql, params));
  return Object.assign(connection, { run }) as Session;
}

/** What the core would make of the failure of `work`. */
export async function failureOf(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) throw new Error("it did not fail");
  return pg.translate(error) as unknown as Error & Record<string, unknown>;
}
