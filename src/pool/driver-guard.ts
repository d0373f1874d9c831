/** A driver that breaks its contract costs no caller its answer, and never the process. */
import type { Driver, DriverConnection, Result, Statement } from "../../drivers/driver.js";
import { AdbapiError, InterfaceError, InternalError, type Outcome } from "../errors/classes.js";
import { hintAtMarks } from "../errors/mark-hint.js";

const REQUIRED = ["execute", "begin", "commit", "rollback", "ping", "close", "destroy"] as const;

/** What is no connection would fail its first taker in some way of its own. */
export function checkConnection(driver: Driver, conn: Partial<DriverConnection> | null | undefined): void {
  const missing = REQUIRED.filter((method) => typeof conn?.[method] !== "function");
  if (missing.length === 0) return;
  throw new InterfaceError(
    `connect of the driver "${driver.name}" gave no connection: it has no ${missing.join(", ")}; see docs/writing-a-driver.md`,
  );
}

/** An `executeRead` that throws rejects. */
export function readOn(conn: DriverConnection, statement: Statement): Promise<Result | undefined> {
  try {
    return Promise.resolve(conn.executeRead?.(statement));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Drivers that were told of already, with what was told. */
const told = new WeakMap<Driver, Set<string>>();

/** What the driver says of a text; where it throws, the careful answer. */
export function judged(
  driver: Driver,
  question: "stackable" | "repeatable" | "seemsReadOnly" | "outsideTransaction" | "severalStatements",
  sql: string,
): boolean {
  try {
    return driver[question]?.(sql) === true;
  } catch (error) {
    warnOnce(driver, question, error);
    return false;
  }
}

/**
 * What to take a text for that the database has not judged; where the driver does not say, only what may be repeated is
 * a read.
 */
export function seemsReadOnly(driver: Driver, sql: string): boolean {
  return judged(driver, driver.seemsReadOnly === undefined ? "repeatable" : "seemsReadOnly", sql);
}

/** What the driver says of an error; where it throws, that it means something else. */
export function cancelledBy(driver: Driver, error: unknown, sql: string): Outcome | undefined {
  try {
    return driver.cancelled?.(error, sql);
  } catch (fault) {
    warnOnce(driver, "cancelled", fault);
    return undefined;
  }
}

/** A bug of the driver's that costs no statement its answer: a warning of the process, the first time. */
function warnOnce(driver: Driver, method: string, error: unknown): void {
  const methods = told.get(driver) ?? new Set();
  if (methods.has(method)) return;
  told.set(driver, methods.add(method));
  const message = error instanceof Error ? error.message : String(error);
  process.emitWarning(`${method} of the driver "${driver.name}" threw: ${message}`, "AdbapiWarning");
}

/** An error of the tree, whatever `translate` makes of it; `sql` and `params` are of the statement that failed. */
export function translated(driver: Driver, error: unknown, sql?: string, params?: unknown): AdbapiError {
  if (error instanceof AdbapiError) return error;
  let fault = "gave no AdbapiError";
  try {
    const made: unknown = driver.translate(error, sql);
    if (made instanceof AdbapiError) {
      hintAtMarks(made, sql, params, driver.paramstyle);
      return made;
    }
  } catch {
    fault = "threw";
  }
  const message = error instanceof Error ? error.message : "a failure that is no Error";
  return new InternalError(`${message} (translate of the driver "${driver.name}" ${fault})`, {
    cause: error,
  });
}
