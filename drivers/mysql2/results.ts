/** What mysql2 answers, as the contract's `Result`. */
import type { FieldPacket, ResultSetHeader } from "mysql2";
import type { DriverSettings, Result, Statement } from "../driver.js";
import { generatedKey } from "../mysql-family/values/result.js";
import { columnsOf, finisher } from "./rows.js";

export function resultOf(
  statement: Statement,
  answer: unknown,
  fields: FieldPacket[] | undefined,
  int64: DriverSettings["int64"],
): Result {
  if (!Array.isArray(fields)) return written(answer as ResultSetHeader);
  if (fields.length > 0 && (fields[0] === undefined || Array.isArray(fields[0]))) {
    // CALL, or several statements: the first that has rows, as a cursor of PEP 249 stands there.
    const first = Math.max(0, fields.findIndex(Array.isArray));
    return resultOf(statement, (answer as unknown[])[first], fields[first] as never, int64);
  }
  let rows = answer as unknown[];
  const finish = finisher(fields, statement.rowMode, int64);
  if (finish !== undefined) rows = rows.map(finish);
  return { rows, rowCount: rows.length, lastInsertId: undefined, columns: columnsOf(fields) };
}

/** The server's status word. It is with writes alone, and with the last of several answers when it is one. */
export function statusOf(answer: unknown): number | undefined {
  const last = Array.isArray(answer) ? answer.at(-1) : answer;
  return last?.constructor?.name === "ResultSetHeader" ? (last as ResultSetHeader).serverStatus : undefined;
}

function written({ affectedRows, changedRows, insertId, info }: ResultSetHeader): Result {
  return {
    rows: [],
    rowCount: Number(affectedRows),
    // mysql2 says 0 too where it was not told, or in another language.
    changedRows: info.includes("Changed: ") ? changedRows : undefined,
    lastInsertId: generatedKey(insertId),
    columns: [],
  };
}
