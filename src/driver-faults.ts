/** A driver that breaks its contract costs nobody their answer, and never the process. */
import type { Cancellation, Driver, DriverConnection, Result, Statement } from "../drivers/driver.js";
import { AdbapiError, InterfaceError, InternalError } from "./errors.js";

const REQUIRED = ["execute", "begin", "commit", "rollback", "ping", "close", "destroy"] as const;

/** What is no connection would fail its first taker in some way of its own. */
export function checkConnection(driver: Driver, conn: Partial<DriverConnection> | null | undefined): void {
  const missing = REQUIRED.filter((method) => typeof conn?.[method] !== "function");
  if (missing.length === 0) return;
  throw new InterfaceError(
    `connect of the driver "${driver.name}" gave no connection: it has no ${missing.join(", ")}; see docs/writing-a-driver.md`,
  );
}

/** An `execute` that throws rejects. */
export function executeOn(conn: DriverConnection, statement: Statement): Promise<Result> {
  try {
    return Promise.resolve(conn.execute(statement));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** A `cancel` that throws cannot cancel. */
export function cancelOn(conn: DriverConnection, statement: Statement): Cancellation | undefined {
  try {
    return conn.cancel?.(statement);
  } catch {
    return undefined;
  }
}

/** An error of the tree, whatever `translate` makes of it. */
export function translated(driver: Driver, error: unknown): AdbapiError {
  if (error instanceof AdbapiError) return error;
  let fault = "gave no AdbapiError";
  try {
    const made: unknown = driver.translate(error);
    if (made instanceof AdbapiError) return made;
  } catch {
    fault = "threw";
  }
  const message = error instanceof Error ? error.message : "a failure that is no Error";
  return new InternalError(`${message} (translate of the driver "${driver.name}" ${fault})`, {
    cause: error,
  });
}
