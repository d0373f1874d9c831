/** Compiled, never run: what the types of a pool promise, and what must not compile. */
import {
  type AnyRow,
  type Connection,
  ConnectionPool,
  type Cursor,
  type Deferred,
  type Gap,
  type OperationResult,
  type Paramstyle,
  type PoolStats,
  type Queryable,
  type RowStream,
  type StatementResult,
  type Transaction,
} from "adbapi";
import type { Connection as MariadbConnection } from "mariadb/callback";
import type { Connection as Mysql2Connection } from "mysql2";
import type { Client as PgClient } from "pg";
import { expectTypeOf } from "vitest";

interface Agent {
  readonly id: number;
  readonly name: string;
}

declare const pool: ConnectionPool;

// Rows by generic: what the caller says of them.
expectTypeOf(pool.runQuery<Agent>("select")).toEqualTypeOf<Deferred<Agent[]>>();
expectTypeOf(pool.runQuery("select")).toEqualTypeOf<Deferred<AnyRow[]>>();
expectTypeOf(pool.runQuery<Agent>("select", [1], { timeoutMillis: 5 })).toEqualTypeOf<Deferred<Agent[]>>();
for await (const agent of pool.runStream<Agent>("select")) expectTypeOf(agent).toEqualTypeOf<Agent>();

// Tuples under rowMode "array".
const tuples = pool.runQuery<[id: number, name: string]>("select", [], { rowMode: "array" });
expectTypeOf(await tuples).toEqualTypeOf<[id: number, name: string][]>();
expectTypeOf(await pool.runQuery("select", [], { rowMode: "array" })).toEqualTypeOf<unknown[][]>();
// A row type of objects is no promise that could be kept there: with and without it, lists come.
expectTypeOf(await pool.runQuery<Agent>("select", [], { rowMode: "array" })).toEqualTypeOf<unknown[][]>();
expectTypeOf(await pool.runQuery<Agent>("select", [], { rowMode: "object" })).toEqualTypeOf<Agent[]>();
for await (const row of pool.runStream<Agent>("select", [], { rowMode: "array" }))
  expectTypeOf(row).toEqualTypeOf<unknown[]>();
const inArrays = (queryable: Queryable) => queryable.runStatement<Agent>("", undefined, { rowMode: "array" });
expectTypeOf(inArrays(pool)).toEqualTypeOf<Deferred<StatementResult<unknown[]>>>();
expectTypeOf(
  pool.runInteraction((transaction) => transaction.runQuery<Agent>("select", [], { rowMode: "array" })),
).toEqualTypeOf<Deferred<unknown[][]>>();

declare const either: { rowMode?: "array" | "object" };
expectTypeOf(await pool.runQuery("select", [], either)).toExtend<(AnyRow | unknown[])[]>();
for await (const tuple of pool.runStream<[number, string]>("select", [], { rowMode: "array" }))
  expectTypeOf(tuple).toEqualTypeOf<[number, string]>();
expectTypeOf(pool.runStream("select")).toExtend<AsyncIterableIterator<AnyRow>>();
expectTypeOf(pool.runStream<Agent>("select")).toExtend<RowStream<Agent>>();
// @ts-expect-error a stream is no Deferred
pool.runStream("select").addCallback(() => 1);

// All that was said of a statement.
expectTypeOf(pool.runStatement<Agent>("insert")).toEqualTypeOf<Deferred<StatementResult<Agent>>>();
expectTypeOf((await pool.runStatement("insert")).rows).toEqualTypeOf<AnyRow[]>();
expectTypeOf((await pool.runStatement<Agent>("insert")).rowCount).toEqualTypeOf<number>();
expectTypeOf((await pool.runStatement<[number]>("insert", [], { rowMode: "array" })).rows).toEqualTypeOf<
  [number][]
>();
// @ts-expect-error columns are for reading
(await pool.runStatement("insert")).columns.push({ name: "more" });
expectTypeOf(pool.runInteraction((transaction) => transaction.runStatement<Agent>("insert"))).toEqualTypeOf<
  Deferred<StatementResult<Agent>>
>();

// Operations.
expectTypeOf(pool.runOperation("delete")).toEqualTypeOf<Deferred<OperationResult>>();
expectTypeOf<OperationResult["lastInsertId"]>().toEqualTypeOf<number | bigint | undefined>();

// An interaction fires with what its function gives, whatever wraps it.
expectTypeOf(pool.runInteraction(() => 1)).toEqualTypeOf<Deferred<number>>();
expectTypeOf(pool.runInteraction(async () => "x")).toEqualTypeOf<Deferred<string>>();
expectTypeOf(pool.runInteraction((transaction) => transaction.runQuery<Agent>("select"))).toEqualTypeOf<
  Deferred<Agent[]>
>();
expectTypeOf(pool.runInteraction({ retries: 3, isolation: "serializable" }, () => 1)).toEqualTypeOf<
  Deferred<number>
>();
expectTypeOf(pool.runWithConnection((connection) => connection.cursor())).toEqualTypeOf<Deferred<Cursor>>();

// Arguments travel to the function, typed.
const move = async (_transaction: Transaction, from: number, to: string) => `${from} ${to}`;
expectTypeOf(pool.runInteraction(move, 1, "two")).toEqualTypeOf<Deferred<string>>();
// @ts-expect-error the second argument is a string
pool.runInteraction(move, 1, 2);
// @ts-expect-error an argument is missing
pool.runInteraction(move, 1);
const borrow = async (_connection: Connection, times: number) => times;
expectTypeOf(pool.runWithConnection(borrow, 2)).toEqualTypeOf<Deferred<number>>();

// What is written for a Queryable takes a pool and a transaction.
const agents = (queryable: Queryable) => queryable.runQuery<Agent>("select * from agents");
expectTypeOf(agents(pool)).toEqualTypeOf<Deferred<Agent[]>>();
expectTypeOf(pool.runInteraction(agents)).toEqualTypeOf<Deferred<Agent[]>>();
expectTypeOf<ConnectionPool>().toExtend<Queryable>();
expectTypeOf<Transaction>().toExtend<Queryable>();
const stored = async (queryable: Queryable, name: string) => {
  const { lastInsertId } = await queryable.runStatement("insert into agents (name) values (?)", [name]);
  for await (const agent of queryable.runStream<Agent>("select")) expectTypeOf(agent).toEqualTypeOf<Agent>();
  return queryable.runInteraction(
    async (inner, by: number) => [inner.rowCount, by, lastInsertId] as const,
    2,
  );
};
expectTypeOf(stored(pool, "Bond")).resolves.toEqualTypeOf<
  readonly [number, number, number | bigint | undefined]
>();
expectTypeOf(pool.runInteraction(stored, "Bond")).resolves.toEqualTypeOf<
  readonly [number, number, number | bigint | undefined]
>();
// @ts-expect-error the name is missing
pool.runInteraction(stored);
// @ts-expect-error a Connection has cursors, not the pool's verbs
pool.runWithConnection(agents);

// Params by name: an object, also of an interface.
interface ByName {
  id: number;
}
const byName: ByName = { id: 1 };
pool.runQuery("select :id", byName);
pool.runQuery("select :id", { id: 1 });
// @ts-expect-error a text is no list of values
pool.runQuery("select ?", "text");
// @ts-expect-error neither is a Map
pool.runQuery("select :id", new Map([["id", 1]]));
// @ts-expect-error nor a function
pool.runQuery("select :id", () => 1);

// A Deferred goes wherever a promise is asked for.
const promised: Promise<Agent[]> = pool.runQuery<Agent>("select");
expectTypeOf(await promised).toEqualTypeOf<Agent[]>();

// Options.
// @ts-expect-error there is no such isolation level
pool.runInteraction({ isolation: "snapshot" }, () => 1);
// @ts-expect-error an option of Twisted's, under its old name
new ConnectionPool("pg", {}, { cp_min: 3 });
// @ts-expect-error a typing error in an option
pool.runQuery("select", [], { timeOutMillis: 5 });
// @ts-expect-error an option that there is not, beside one that there is
pool.runQuery("select", [], { rowMode: "array", extra: 1 });
// @ts-expect-error the same of a stream
pool.runStream("select", [], { rowMode: "array", extra: 1 });
// @ts-expect-error there is no such mode
pool.runQuery("select", [], { rowMode: "tuple" });
// @ts-expect-error SQL is a string
pool.runQuery(5);
// @ts-expect-error a Deferred awaited gives rows, not a result object
(await pool.runQuery("select")).rows;

expectTypeOf(pool.stats).toEqualTypeOf<PoolStats>();
expectTypeOf(pool.paramstyle).toEqualTypeOf<Paramstyle>();
// @ts-expect-error stats are a snapshot
pool.stats.size = 3;

// Scripts take no params, and give nothing.
expectTypeOf(pool.copyRows(["s", "t"], ["a"], [[1], { a: 2 }])).toEqualTypeOf<
  Deferred<{ rowCount: number }>
>();
expectTypeOf<Transaction["copyRows"]>().toEqualTypeOf<ConnectionPool["copyRows"]>();
// @ts-expect-error a name has two parts at most
pool.copyRows(["a", "b", "c"], ["a"], []);
// @ts-expect-error rows are iterated
pool.copyRows("t", ["a"], { a: 1 });
expectTypeOf(pool.runScript("select 1; select 2", { timeoutMillis: 5 })).toEqualTypeOf<Deferred<void>>();
expectTypeOf<Transaction["runScript"]>().returns.toEqualTypeOf<Deferred<void>>();
// @ts-expect-error there are no params
pool.runScript("select $1", [1]);
// @ts-expect-error there are no rows
pool.runScript("select 1", { rowMode: "array" });

// A notification has a payload, unless it is a gap.
const subscription = pool.listen("jobs", { maxQueued: 10 });
expectTypeOf(subscription.listening).toEqualTypeOf<Deferred<void>>();
for await (const notification of subscription) {
  if (notification.gap) expectTypeOf(notification).toEqualTypeOf<Gap>();
  else expectTypeOf(notification.payload).toEqualTypeOf<string>();
}
// @ts-expect-error a channel has a name
pool.listen();

// A session gives what its function gave, and `native` is the package's own.
declare const pgPool: ConnectionPool<"pg">;
declare const mysqlPool: ConnectionPool<"mysql2">;
declare const mariadbPool: ConnectionPool<"mariadb">;
declare const sqlitePool: ConnectionPool<"better-sqlite3">;
expectTypeOf(pgPool.runWithSession(async (_, n: number) => n + 1, 5)).toEqualTypeOf<Deferred<number>>();
pgPool.runWithSession({ readOnly: true }, async (session) => {
  expectTypeOf(session.native).toEqualTypeOf<PgClient>();
  expectTypeOf(session.runQuery<Agent>("select")).toEqualTypeOf<Deferred<Agent[]>>();
  expectTypeOf(session.signal).toEqualTypeOf<AbortSignal>();
  const { command, columns } = await session.runStatement("select");
  expectTypeOf(command).toEqualTypeOf<string>();
  expectTypeOf(columns[0]!.dataTypeID).toEqualTypeOf<number | undefined>();
});
pgPool.runWithConnection((connection) => expectTypeOf(connection.native).toEqualTypeOf<PgClient>());
mysqlPool.runWithConnection((connection) =>
  expectTypeOf(connection.native).toEqualTypeOf<Mysql2Connection>(),
);
mariadbPool.runWithSession((session) => expectTypeOf(session.native).toEqualTypeOf<MariadbConnection>());
sqlitePool.runWithSession((session) => expectTypeOf(session.native).toEqualTypeOf<undefined>());
pool.runWithSession((session) => expectTypeOf(session.native).toEqualTypeOf<unknown>());
const anyPool: ConnectionPool = pgPool;
void anyPool;
// @ts-expect-error isolation belongs to begin()
pool.runWithSession({ isolation: "serializable" }, () => 1);
// @ts-expect-error there are no retries
pool.runWithSession({ retries: 1 }, () => 1);

// COPY gives Buffers.
for await (const piece of pool.runCopyTo("copy t to stdout", { timeoutMillis: 5 }))
  expectTypeOf(piece).toEqualTypeOf<Buffer>();
