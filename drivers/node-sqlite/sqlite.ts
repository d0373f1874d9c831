/**
 * The part of node:sqlite that is used here; versions of Node.js that do not have it, or not yet a sound one, are
 * supported too.
 * @see https://nodejs.org/api/sqlite.html
 */
import { NotSupportedError } from "../../src/errors/classes.js";

export interface StatementSync {
  readonly sourceSQL: string;
  all(...params: unknown[]): unknown[][];
  run(...params: unknown[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  iterate(...params: unknown[]): IterableIterator<unknown[]>;
  columns(): readonly { readonly name: string }[];
  setReadBigInts(enabled: boolean): void;
  setReturnArrays(enabled: boolean): void;
  setAllowBareNamedParameters(enabled: boolean): void;
}

export interface DatabaseSync {
  readonly isTransaction: boolean;
  prepare(sql: string): StatementSync;
  exec(sql: string): void;
  close(): void;
}

interface NodeSqlite {
  readonly DatabaseSync: new (file: string | URL, options?: object) => DatabaseSync;
}

let usable: NodeSqlite | undefined;

export function loadNodeSqlite(): NodeSqlite {
  if (usable !== undefined) return usable;
  const found = builtin("node:sqlite");
  if (found === undefined || !keepsValues(found)) {
    const why = found === undefined ? "" : ", whose node:sqlite changes values without an error";
    throw new NotSupportedError(
      `node:sqlite needs Node.js 24.16 or newer, and this is ${process.version}${why}: use better-sqlite3`,
    );
  }
  usable = found;
  return found;
}

/** Older versions of Node have neither the module nor, some of them, the function. */
function builtin(name: string): NodeSqlite | undefined {
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown };
  return getBuiltinModule?.(name) as NodeSqlite | undefined;
}

/**
 * Before 24.15 empty bytes that came from another thread were bound as NULL, and before 24.16 a text that was read
 * ended at its first NUL, which nothing in the answer tells. Tried, and not concluded from a version, since a fix may
 * reach an older line.
 */
function keepsValues({ DatabaseSync }: NodeSqlite): boolean {
  const db = new DatabaseSync(":memory:");
  try {
    const statement = db.prepare("select typeof(?) as type, char(0) as text");
    const [row] = statement.all(new Uint8Array(new ArrayBuffer(0))) as unknown as {
      readonly type: string;
      readonly text: string;
    }[];
    return row?.type === "blob" && row.text.length === 1;
  } finally {
    db.close();
  }
}
