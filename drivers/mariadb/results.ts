/** What mariadb answers, as the contract's `Result`. */
import type { FieldInfo, UpsertResult } from "mariadb";
import type { Result, Statement } from "../driver.js";
import { generatedKey } from "../mysql-family/values/result.js";
import { columnsOf, toObjects } from "./rows.js";

/** What an answer to a prepared statement tells of its columns. */
export function metaOf(answer: unknown): unknown {
  return (answer as { meta?: unknown } | undefined)?.meta;
}

export function resultOf(statement: Statement, answer: unknown, meta: unknown): Result {
  if (!Array.isArray(answer)) return written(answer as UpsertResult);
  if (Array.isArray(meta) && meta[0] instanceof Object && !Array.isArray(meta[0]))
    return ofRows(statement, answer, meta);
  // CALL, or several statements: the first that has rows, as a cursor of PEP 249 stands there.
  const first = Math.max(0, answer.findIndex(Array.isArray));
  const found = answer[first];
  if (!Array.isArray(found)) return written(found as UpsertResult);
  return ofRows(statement, found, Array.isArray(meta) ? meta[first] : metaOf(found));
}

function ofRows(statement: Statement, answer: unknown[], meta: unknown): Result {
  const columns = columnsOf(meta as FieldInfo[]);
  const rows = statement.rowMode === "array" ? answer : toObjects(answer, columns);
  return { rows, rowCount: rows.length, lastInsertId: undefined, columns };
}

function written({ affectedRows, insertId }: UpsertResult): Result {
  return { rows: [], rowCount: Number(affectedRows), lastInsertId: generatedKey(insertId), columns: [] };
}
