/**
 * The part of node:sqlite that is used here; Node 20, which does not have it, is supported too.
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
  readonly StatementSync: { readonly prototype: object };
}

export function loadNodeSqlite(): NodeSqlite {
  const found = builtin("node:sqlite");
  // 22.5 has a first version, without rows as arrays: two columns of one name could not be told apart.
  if (found === undefined || !("setReturnArrays" in found.StatementSync.prototype)) {
    throw new NotSupportedError(
      `node:sqlite needs Node.js 22.16 or 24 and later, and this is ${process.version}: use better-sqlite3`,
    );
  }
  return found;
}

/** Older versions of Node have neither the module nor, some of them, the function. */
function builtin(name: string): NodeSqlite | undefined {
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown };
  return getBuiltinModule?.(name) as NodeSqlite | undefined;
}
