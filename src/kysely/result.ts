import type { CompiledQuery, QueryResult } from "kysely";
import type { AnyRow, StatementResult } from "../queryable.js";

const WRITING_NODES = new Set(["InsertQueryNode", "UpdateQueryNode", "DeleteQueryNode", "MergeQueryNode"]);
const WRITING_TEXT = /^\s*(?:insert|update|delete|merge|replace)\b/i;
const INSERTING_TEXT = /^\s*(?:insert|replace)\b/i;

/** A result as Kysely's builders read it: the number of rows belongs to writes, the generated key to inserts. */
export function queryResult<R>(query: CompiledQuery, result: StatementResult<AnyRow>): QueryResult<R> {
  const rows = result.rows as R[];
  const { kind } = query.query;
  const raw = kind === "RawNode";
  if (!WRITING_NODES.has(kind) && !(raw && WRITING_TEXT.test(query.sql))) return { rows };
  const numAffectedRows = BigInt(result.rowCount);
  const inserts = kind === "InsertQueryNode" || (raw && INSERTING_TEXT.test(query.sql));
  if (!inserts || result.lastInsertId === undefined) return { numAffectedRows, rows };
  return { numAffectedRows, insertId: BigInt(result.lastInsertId), rows };
}
