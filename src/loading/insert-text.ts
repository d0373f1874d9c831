/** The INSERT that stores one row: identifiers quoted by the dialect, params marked in the driver's paramstyle. */
import type { Dialect, Paramstyle } from "../../drivers/driver.js";
import { InterfaceError, NotSupportedError } from "../errors/classes.js";

/** What a table is called: its identifier, or `[schema, table]`. Never SQL: it is quoted. */
export type TableName = string | readonly [schema: string, table: string];

export function insertText(
  table: TableName,
  columns: readonly string[],
  dialect: Dialect | undefined,
  paramstyle: Paramstyle,
): string {
  const path: readonly unknown[] = typeof table === "string" ? [table] : table;
  if (!Array.isArray(path) || path.length < 1 || path.length > 2)
    throw new InterfaceError("copyRows needs the name of a table, or [schema, table]");
  const mark = dialect === "mysql" ? "`" : '"';
  const name = path.map((part) => quoted(part, mark, "table")).join(".");
  const into = columns.map((column) => quoted(column, mark, "column")).join(", ");
  return `insert into ${name} (${into}) values (${marks(columns.length, paramstyle)})`;
}

function quoted(identifier: unknown, mark: string, kind: string): string {
  if (typeof identifier !== "string" || identifier === "")
    throw new InterfaceError(`copyRows: the name of a ${kind} must be a string that is not empty`);
  if (identifier.includes("\0") || !identifier.isWellFormed())
    throw new InterfaceError(
      `copyRows: the name of a ${kind} holds a NUL or half of a surrogate pair: no database has such names`,
    );
  return mark + identifier.replaceAll(mark, mark + mark) + mark;
}

function marks(count: number, paramstyle: Paramstyle): string {
  if (paramstyle !== "qmark" && paramstyle !== "numeric")
    throw new NotSupportedError(
      `copyRows is for drivers that mark params by ? or $1, not for paramstyle "${paramstyle}": use executeMany`,
    );
  return Array.from({ length: count }, (_, i) => (paramstyle === "qmark" ? "?" : `$${i + 1}`)).join(", ");
}
