import type { Driver, Params } from "../../drivers/driver.js";
import { AdbapiError, InterfaceError } from "../errors/classes.js";
import { checkStatementOptions, type StatementOptions } from "../options/call-options.js";

/** The params of a call as the driver sends them. Throws what is wrong with the call, before anything of it is sent. */
export function boundParams(
  driver: Driver,
  sql: string,
  params: Params | undefined,
  options: StatementOptions | undefined,
): Params | undefined {
  checkSql(sql);
  if (options !== undefined) checkStatementOptions(options);
  return params === undefined ? undefined : boundTo(driver, sql, params);
}

/** A list of params as the driver sends them; what is wrong with them is said with the text of their statement. */
export function boundTo(driver: Driver, sql: string, params: Params): Params {
  try {
    return driver.bind?.(params) ?? params;
  } catch (error) {
    throw withSql(error, sql);
  }
}

/** The same error; one of this library that names no statement yet, names this one. */
function withSql(error: unknown, sql: string): unknown {
  if (error instanceof AdbapiError && error.sql === undefined)
    (error as { sql: string | undefined }).sql = sql;
  return error;
}

/**
 * The text of a statement, once it is sure that every database would see the same text; else an `InterfaceError`.
 * A comment alone passes: what the server makes of it is the server's to say.
 */
export function checkSql(sql: unknown): string {
  if (typeof sql !== "string") throw new InterfaceError(`The SQL must be a string, not ${kindOf(sql)}`);
  // SQLite would run what stands before the NUL, and lone surrogates would arrive as replacement characters.
  if (sql.includes("\0"))
    throw new InterfaceError("The SQL holds a NUL character: bind such values as params");
  if (!sql.isWellFormed()) {
    throw new InterfaceError(
      "The SQL holds half of a surrogate pair: it is no Unicode text and would be altered",
    );
  }
  // Most statements begin with an ASCII letter, and are not searched.
  const first = sql.charCodeAt(0);
  if (!(first > 59 && first < 128) && !/[^\s;]/.test(sql)) throw new InterfaceError("The SQL is empty");
  return sql;
}

const PLAIN = /^\s*(?:select|insert|update|delete|merge|replace|with|values|savepoint|release)\b[^;]*$/i;

/**
 * Whether a text could commit the transaction that it is in, on any database: COMMIT, DDL, CALL, several statements.
 * Decided narrowly.
 */
export function mayEndTransaction(sql: string): boolean {
  return !PLAIN.test(sql);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof String) return "a String object: call its toString()";
  if (Buffer.isBuffer(value)) return "a Buffer: call its toString()";
  if (Array.isArray(value)) return "an array";
  return `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}
