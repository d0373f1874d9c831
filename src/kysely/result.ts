import type { CompiledQuery, QueryResult } from "kysely";
import type { AnyRow, StatementResult } from "../statement/results.js";
import { skipBlanks } from "../statement/sql-comments.js";

/**
 * The verb of a statement that writes, behind CTEs: these end with a parenthesis, and nothing else has a verb right
 * behind one.
 */
const WRITING = /^(?:with\b.*\)\s*)?(insert|update|delete|merge|replace)\b/is;

/** A result as Kysely's builders read it: the number of rows belongs to writes, the generated key to inserts. */
export function queryResult<R>(query: CompiledQuery, result: StatementResult<AnyRow>): QueryResult<R> {
  const rows = result.rows as R[];
  const { kind } = query.query;
  const verb = WRITING.exec(
    kind === "RawNode" ? query.sql.slice(skipBlanks(query.sql)) : kind.replace("QueryNode", ""),
  )?.[1];
  if (!verb) return { rows };
  const numAffectedRows = BigInt(result.rowCount);
  if (result.changedRows !== undefined && /^u/i.test(verb))
    return { numAffectedRows, numChangedRows: BigInt(result.changedRows), rows };
  if (!/^[ir]/i.test(verb) || result.lastInsertId === undefined) return { numAffectedRows, rows };
  return { numAffectedRows, insertId: BigInt(result.lastInsertId), rows };
}
