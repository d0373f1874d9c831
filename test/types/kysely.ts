/** Compiled, never run: Kysely over a pool of any driver. */
import type { ConnectionPool, Driver } from "adbapi";
import { AdbapiDialect, withSignal } from "adbapi/kysely";
import { type Dialect, type Generated, Kysely, type Selectable, type Transaction } from "kysely";
import { expectTypeOf } from "vitest";

interface Schema {
  agent: { id: Generated<number>; name: string };
}

declare const pg: ConnectionPool<"pg">;
declare const sqlite: ConnectionPool<"better-sqlite3">;
declare const own: ConnectionPool<Driver>;
declare const any: ConnectionPool;

for (const pool of [pg, sqlite, own, any]) expectTypeOf(new AdbapiDialect({ pool })).toExtend<Dialect>();
const dialect = new AdbapiDialect({ pool: own, dialect: "sqlite" });
// @ts-expect-error a pool is needed
new AdbapiDialect({ dialect: "sqlite" });
// @ts-expect-error there is no such dialect
new AdbapiDialect({ pool: pg, dialect: "oracle" });
// @ts-expect-error pool options belong to the pool
new AdbapiDialect({ pool: pg, max: 5 });

const db = new Kysely<Schema>({ dialect });
expectTypeOf(db.selectFrom("agent").selectAll().execute()).resolves.toEqualTypeOf<
  Selectable<Schema["agent"]>[]
>();

// With a signal it is what it was.
expectTypeOf(withSignal(db, AbortSignal.timeout(5))).toEqualTypeOf<Kysely<Schema>>();
declare const transaction: Transaction<Schema>;
expectTypeOf(withSignal(transaction, AbortSignal.timeout(5))).toEqualTypeOf<Transaction<Schema>>();
