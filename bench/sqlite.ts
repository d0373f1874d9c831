/** SQLite: point selects, 1 000 rows and single inserts, against node-sqlite3 and better-sqlite3 on the main thread. */
import { ConnectionPool } from "adbapi";
import Database from "better-sqlite3";
import { ROWS, someId, sqliteFile } from "./data.js";
import { type Contender, compare } from "./harness.js";
import { sqlite3 } from "./node-sqlite3.js";

const POINT = "select * from items where id = ?";
const MANY = "select * from items where id >= ? limit 1000";
const INSERT = "insert into log (text) values (?)";

interface Work {
  readonly sql: string;
  readonly params: (n: number) => unknown[];
  readonly verb: "rows" | "operation";
}

const point: Work = { sql: POINT, params: (n) => [someId(n)], verb: "rows" };
const many: Work = { sql: MANY, params: (n) => [someId(n) % (ROWS - 1_000)], verb: "rows" };
const insert: Work = { sql: INSERT, params: (n) => [`entry ${n}`], verb: "operation" };

export default async function question(): Promise<string> {
  const { file, remove } = await sqliteFile();
  const contenders = (work: Work) => [ours(file, work), nodeSqlite3(file, work), onMain(file, work)];
  const over = (peer: string, least: number) => ({ ours: "adbapi", peer, least });
  const report = [
    await compare({
      title: "SQLite, point select, 64 at once, pool of 2",
      concurrency: 64,
      contenders: contenders(point),
      budgets: [
        over("node-sqlite3", 5),
        over("better-sqlite3 on the main thread", 0.4),
        { ours: "adbapi", peer: "node-sqlite3", times: 5, mostBusy: 0.45 },
      ],
    }),
    await compare({
      title: "SQLite, point select, one at a time",
      concurrency: 1,
      contenders: contenders(point),
      budgets: [over("node-sqlite3", 0.45)],
    }),
    await compare({
      title: "SQLite, 1 000 rows of 5 columns, 8 at once, pool of 2",
      concurrency: 8,
      contenders: contenders(many),
      budgets: [
        over("node-sqlite3", 1.8),
        over("better-sqlite3 on the main thread", 0.8),
        { ours: "adbapi", peer: "better-sqlite3 on the main thread", mostOfMain: 0.45 },
      ],
    }),
    await compare({
      title: "SQLite, single-row insert, autocommitted, 64 at once",
      concurrency: 64,
      contenders: contenders(insert),
      budgets: [over("node-sqlite3", 6), over("better-sqlite3 on the main thread", 1)],
    }),
  ];
  remove();
  return report.join("\n");
}

function ours(file: string, { sql, params, verb }: Work): Contender {
  const pool = new ConnectionPool("better-sqlite3", file, { min: 2, max: 2 });
  return {
    name: "adbapi",
    once: (n) => (verb === "rows" ? pool.runQuery(sql, params(n)) : pool.runOperation(sql, params(n))),
    close: () => pool.close(),
  };
}

function nodeSqlite3(file: string, { sql, params, verb }: Work): Contender {
  const database = new sqlite3.Database(file);
  database.configure("busyTimeout", 5_000);
  return {
    name: "node-sqlite3",
    once: (n) =>
      new Promise<void>((resolve, reject) => {
        const done = (error: Error | null) => (error === null ? resolve() : reject(error));
        if (verb === "rows") database.all(sql, params(n), done);
        else database.run(sql, params(n), done);
      }),
    close: () => new Promise((resolve) => database.close(resolve)),
  };
}

function onMain(file: string, { sql, params, verb }: Work): Contender {
  const database = new Database(file);
  database.pragma("busy_timeout = 5000");
  const statement = database.prepare(sql);
  return {
    name: "better-sqlite3 on the main thread",
    once: (n) => (verb === "rows" ? statement.all(...params(n)) : statement.run(...params(n))),
    close: () => database.close(),
  };
}
