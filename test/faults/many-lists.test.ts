/**
 * B45's neighbours: `executeMany` on MySQL and MariaDB leaves what the same statements leave one by one, however it
 * travels.
 */
import { type ConnectionPool, type Cursor, type DatabaseError, DeadlockDetected } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

type Lists = readonly (readonly unknown[])[];
type Case = [what: string, setup: string[], sql: string, lists: Lists, look: string, only?: "MariaDB"];

const WIDE = 12;
const numbered = (row: (n: number) => unknown[], count = WIDE) =>
  Array.from({ length: count }, (_, n) => row(n + 1));
/** The same, but for one list, in the midst of them. */
const butOne = (row: (n: number) => unknown[], other: unknown[]) =>
  numbered((n) => (n === 8 ? other : row(n)));

const table = (engine: string) =>
  `create table t (id int primary key, v int not null, s varchar(3), x double, at datetime(3), b blob) engine=${engine}`;
const KEYED = "create table t (id int auto_increment primary key, p varchar(60), q varchar(60))";
/** Rows 1 to `count`, the same number in each column. */
const filled = (into: string, count: number, columns: number) =>
  `insert into ${into} values ${Array.from({ length: count }, (_, n) => `(${new Array(columns).fill(n + 1)})`)}`;
const SOURCE = ["create table source (v int)", "insert into source values (1), (3), (8), (10)"];
const FRESH = [
  ...["table if exists t", "table if exists source", "view if exists w", "function if exists f"].map(
    (it) => `drop ${it}`,
  ),
  "set @a = 0",
];
const ALL = "select * from t order by id";

const CASES: Case[] = [
  ...["InnoDB", "MyISAM"].flatMap((engine): Case[] => [
    [
      `a duplicate, ${engine}`,
      [table(engine)],
      "insert into t (id, v) values (?, ?)",
      butOne((n) => [n, n], [3, 0]),
      ALL,
    ],
    [
      `NULL refused, ${engine}`,
      [table(engine)],
      "insert into t (id, v) values (?, ?)",
      butOne((n) => [n, n], [8, null]),
      ALL,
    ],
    [
      `text too long, ${engine}`,
      [table(engine)],
      "insert into t (id, v, s) values (?, 1, ?)",
      butOne((n) => [n, "x"], [8, "long"]),
      ALL,
    ],
    [
      `too large, ${engine}`,
      [table(engine)],
      "replace into t (id, v) values (?, ?)",
      butOne((n) => [n, n], [8, 2 ** 40]),
      ALL,
    ],
    [
      `an update refused, ${engine}`,
      [table(engine), filled("t (id, v)", 12, 2)],
      "update t set id = ? where id = ?",
      butOne((n) => [n + 100, n], [9, 8]),
      ALL,
    ],
    [
      `deletes, ${engine}`,
      [table(engine), filled("t (id, v)", 9, 2)],
      "delete from t where id = ?",
      numbered((n) => [n * 2]),
      ALL,
    ],
    [
      `upserts, ${engine}`,
      [table(engine)],
      "insert into t (id, v) values (?, ?) on duplicate key update v = v + values(v) + ?",
      numbered((n) => [n % 4, n, n * 2]),
      ALL,
    ],
    [
      `ignored, ${engine}`,
      [table(engine)],
      "insert ignore into t (id, v, s) values (?, ?, ?)",
      numbered((n) => [n % 5, n, "abcdef"]),
      ALL,
    ],
  ]),
  [
    "too few params",
    [table("InnoDB")],
    "insert into t (id, v) values (?, ?)",
    butOne((n) => [n, n], [8]),
    ALL,
  ],
  [
    "a subquery in VALUES",
    [KEYED, ...SOURCE],
    "replace into t values (?, (select count(*) from source where v >= ?), 0)",
    numbered((n) => [n, n]),
    ALL,
  ],
  [
    "a subquery after a comment",
    [KEYED, ...SOURCE],
    "/* x */ insert into t values (?, (select count(*) from source where v >= ?), 0)",
    numbered((n) => [n, n]),
    ALL,
  ],
  [
    "a subquery in an upsert",
    [KEYED, ...SOURCE],
    "insert into t values (?, 1, 0) on duplicate key update p = (select count(*) from source where v >= ?)",
    numbered((n) => [n % 5, n]),
    ALL,
  ],
  [
    "a subquery in SET",
    [KEYED, ...SOURCE],
    "insert into t set id = ?, p = (select max(v) from source where v <= ?)",
    numbered((n) => [n, n]),
    ALL,
  ],
  [
    "exists",
    [KEYED, ...SOURCE],
    "insert into t values (?, exists (select 1 from source where v = ?), 0)",
    numbered((n) => [n, n]),
    ALL,
  ],
  ["INSERT … SELECT", [KEYED], "insert into t (p) select ?", numbered((n) => [n]), ALL],
  [
    "REPLACE … SELECT",
    [KEYED, ...SOURCE],
    "replace into t (id, p) select v, ? from source where v > ?",
    numbered((n) => [n, n]),
    ALL,
  ],
  [
    "a join deleted",
    [KEYED, ...SOURCE, filled("t (id, p)", 9, 2)],
    "delete t from t join source on source.v = t.id where t.id = ?",
    numbered((n) => [n]),
    ALL,
  ],
  [
    "a join updated",
    [KEYED, ...SOURCE, filled("t (id, p)", 9, 2)],
    "update t join source on source.v = t.id set t.p = ? where t.id > ?",
    numbered((n) => [n, n]),
    ALL,
  ],
  ["no params", [KEYED], "insert into t (p) values (7)", numbered(() => []), ALL],
  [
    "the last key",
    [KEYED, "select last_insert_id(0)"],
    "insert into t (p, q) values (?, last_insert_id())",
    numbered((n) => [n]),
    ALL,
  ],
  [
    "functions of the moment",
    [KEYED],
    "insert into t (p, q) values (uuid(), concat(?, rand()))",
    numbered((n) => [n]),
    "select count(distinct p), count(distinct q) from t",
  ],
  [
    "a variable",
    [KEYED, "set @a = 0"],
    "insert into t (p, q) values (?, @a := @a + 1)",
    numbered((n) => [n]),
    ALL,
  ],
  [
    "a variable, and a failure",
    [KEYED, "set @a = 0"],
    "insert into t (id, p) values (?, @a := @a + 1)",
    butOne((n) => [n], [3]),
    ALL,
  ],
  [
    "the last key, and a failure",
    ["create table t (id int auto_increment primary key, p int unique, q int)", "select last_insert_id(0)"],
    "insert into t (p, q) values (?, last_insert_id())",
    butOne((n) => [n], [3]),
    "select p, q < id from t order by id",
  ],
  [
    "the rows of the statement before",
    [KEYED],
    "insert into t (p, q) values (?, row_count())",
    numbered((n) => [n]),
    "select p, q from t where id > 1 order by id",
  ],
  [
    "a comparison",
    [KEYED],
    "insert into t (p, q) values (? not in (?, ?, 9), lower(?) < 2)",
    numbered((n) => [n, n % 3 ? n : 7, n % 4 ? 5 : n, n % 5]),
    ALL,
  ],
  [
    "a pattern",
    [KEYED],
    "insert into t (p, q) values (? regexp ?, greatest(?, 1.5) like ?)",
    numbered((n) => [n % 5, n % 3, n % 2 ? n / 4 : null, "%.5"]),
    ALL,
  ],
  [
    "dates in sums",
    [KEYED],
    "insert into t (p, q) values (? - 1, -?) on duplicate key update p = p + ?",
    numbered((n) => [n % 2 ? new Date(1.7e12) : new Date(1.7e12 + n), n, n]),
    ALL,
  ],
  [
    "bytes cut by the first",
    [KEYED],
    "insert into t (id, p) values (?, 'x') on duplicate key update p = lcase(elt(2, 'a', ?))",
    numbered((n) => [1, n === 2 ? Buffer.from("a") : Buffer.from("abc")]),
    ALL,
  ],
  [
    "a sequence",
    [KEYED, "drop sequence if exists s", "create sequence s"],
    "insert into t (p, q) values (?, nextval(s))",
    numbered((n) => [n]),
    ALL,
    "MariaDB",
  ],
  [
    "a stored function",
    [
      KEYED,
      ...SOURCE,
      "create function f(x int) returns int deterministic reads sql data return (select count(*) from source where v >= x)",
    ],
    "insert into t (p, q) values (?, f(?))",
    numbered((n) => [n, n]),
    ALL,
  ],
  [
    "a trigger",
    [KEYED, "create trigger tt before insert on t for each row set new.q = (select count(*) from t)"],
    "insert into t (p) values (?)",
    numbered((n) => [n]),
    ALL,
  ],
  [
    "names in quotes",
    [KEYED],
    "insert into `t` (`p`, `q`) values ('it''s', \"?\"), (?, 'select')",
    numbered((n) => [n]),
    ALL,
  ],
  ["returning", [KEYED], "insert into t (p) values (?) returning id", numbered((n) => [n]), ALL, "MariaDB"],
  ["select", [KEYED, ...SOURCE], "select * from source where v > ?", numbered((n) => [n]), ALL],
  [
    "expressions",
    [KEYED],
    "insert into t (p, q) values (coalesce(?, 'none'), if(? > 5, ? + 1, upper(?)))",
    numbered((n) => [n % 2 ? null : n, n, n, "x"]),
    ALL,
  ],
  [
    "a check of a view",
    [
      "create table t (id int primary key)",
      "create view w as select * from t where id < 50 with check option",
    ],
    "insert into w values (?)",
    butOne((n) => [n], [77]),
    ALL,
  ],
  [
    "a temporary table",
    ["create temporary table t (id int primary key, v int)"],
    "insert into t values (?, 1)",
    butOne((n) => [n], [3]),
    ALL,
  ],
  [
    "every kind of value",
    [table("InnoDB")],
    "insert into t values (?, ?, ?, ?, ?, ?)",
    numbered((n) => [
      n,
      n % 3 ? n : BigInt(n),
      n % 2 ? null : "abc",
      n % 4 ? n : n / 8,
      n % 5 ? null : new Date(1.7e12 + n),
      n % 2 ? Buffer.from([n]) : null,
    ]),
    ALL,
  ],
  [
    "signs and widths of integers",
    ["create table t (id int primary key, u bigint unsigned, v varchar(40))"],
    "insert into t values (?, ?, ?)",
    [0, 2n ** 64n - 1n, 1, 2 ** 63, null, 5n, 2 ** 40, true, 2n ** 63n].flatMap((u, n) => [
      [n * 2, u, u],
      [n * 2 + 1, n, n % 2 ? -n : null],
    ]),
    ALL,
  ],
  [
    "kinds that alternate",
    ["create table t (id int primary key, v varchar(40), d decimal(30, 5))"],
    "insert into t values (?, ?, ?)",
    numbered((n) => [n, [n, n / 4, "text", -n, 2n ** 60n, null][n % 6], n % 2 ? n : n / 4], 60),
    ALL,
  ],
];

/** What came of it, and what the table holds once its caller has swallowed an error and committed. */
async function outcome(
  pool: ConnectionPool,
  [, setup, sql, lists, look]: Case,
  run: (cursor: Cursor, sql: string, lists: Lists) => Promise<number>,
): Promise<unknown> {
  let told: unknown;
  let rows: unknown;
  await pool.runWithConnection(async (connection) => {
    const cursor = connection.cursor();
    for (const text of [...FRESH, ...setup]) await cursor.execute(text);
    await connection.commit();
    told = await run(cursor, sql, lists).catch((error: DatabaseError) => `${error.name} ${error.code}`);
    await connection.commit();
    rows = await (await cursor.execute(look)).fetchAll();
    // What follows can write: nothing of the way is left in the session.
    await cursor.execute("create table if not exists beside (n int)");
    await cursor.execute("insert into beside values (1)");
  });
  return { told, rows };
}

const atOnce = async (cursor: Cursor, sql: string, lists: Lists) =>
  (await cursor.executeMany(sql, lists)).rowCount;
const oneByOne = async (cursor: Cursor, sql: string, lists: Lists) => {
  let rowCount = 0;
  for (const list of lists) rowCount += (await cursor.execute(sql, list)).rowCount;
  return rowCount;
};

describeEach(
  TARGETS.filter(({ server }) => server === "mysql" || server === "mariadb"),
  (target) => {
    test.each(CASES)("B45 the same as one by one: %s", (...each) =>
      withPool(target, { min: 0, max: 1 }, async (pool) => {
        const [{ v }] = (await pool.runQuery("select version() as v")) as [{ v: string }];
        if (each[5] === "MariaDB" && !v.includes("MariaDB")) return;
        const expected = await outcome(pool, each, oneByOne);
        expect(await outcome(pool, each, atOnce)).toEqual(expected);
        // Prepared already, and of a pool that has nothing in flight behind anything.
        expect(await outcome(pool, each, atOnce)).toEqual(expected);
        expect(pool.stats.losses).toBe(0);
      }),
    );

    test.each([
      ..."bigint unsigned|smallint zerofill|float|float(7,3)|double|decimal(10,2)|decimal(38,9)|bit(40)|year".split(
        "|",
      ),
      ..."varchar(255)|varchar(4)|char(30)|text|tinytext|varbinary(99)|blob|json".split("|"),
      ..."varchar(60) character set utf16|enum('1','2','x')|set('a','b','c')|datetime|time(3)".split("|"),
    ])("an integer beside a decimal leaves what it leaves one by one: %s", (type) =>
      withPool(target, { min: 0, max: 1 }, async (pool) => {
        const decimals = [0.5, -1.5, 2.5, 3.3333333333333335, 99.995, 1e-7, 1e20, 20240101.5];
        const integers = [
          1,
          -1,
          7,
          -0,
          255,
          2024,
          16777217,
          20240101,
          2 ** 40,
          2 ** 53,
          -(2n ** 62n),
          2n ** 63n,
        ];
        const lists = integers.flatMap((integer, n) => [
          [n * 3, integer, decimals[n % 8]],
          [n * 3 + 1, decimals[(n + 3) % 8], integers[(n + 5) % 12]],
          [n * 3 + 2, n % 4 ? true : null, integer],
        ]);
        const setup = [`create table t (id int primary key, v ${type}, w ${type})`];
        const hex = "select id, hex(v) as v, hex(w) as w from t order by id";
        const inserts = [
          "insert ignore into t values (?, ?, ?)",
          "insert ignore into t set id = ?, w = ?, v = ?",
        ];
        const upsert = "insert ignore into t (v, id) values (7, ?) on duplicate key update t.v = ?, w = ?";
        const update = "update ignore t set v = ?, w = ? where id = ?";
        const filled = [...setup, "insert into t (id) values (0), (3), (6), (9), (12), (15), (18)"];
        for (const each of [
          ...inserts.map((sql): Case => ["", setup, sql, lists, hex]),
          ["", filled, upsert, lists.map(([id, ...rest]) => [(id as number) % 9, ...rest]), hex],
          ["", filled, update, lists.map(([id, v, w]) => [v, w, id]), hex],
        ] satisfies Case[]) {
          expect(await outcome(pool, each, atOnce), each[2]).toEqual(await outcome(pool, each, oneByOne));
        }
      }),
    );

    test("the same where one statement is in flight at a time", () =>
      withPool(target, { min: 0, max: 1, pipeline: 1 }, async (pool) => {
        for (const each of CASES.filter(([what]) => /InnoDB|alternate|no params/.test(what))) {
          const expected = await outcome(pool, each, oneByOne);
          expect(await outcome(pool, each, atOnce), each[0]).toEqual(expected);
        }
      }));

    test.each([
      ["lists of one kind", (n: number) => [1, n]],
      ["lists that travel one by one", (n: number) => [n % 2 ? 1 : 1.5, n]],
    ])("a deadlock takes all of it, and nothing behind it is committed: %s", (_, list) =>
      withPool(target, { min: 0, max: 3 }, async (pool, database) => {
        await pool.runOperation("create table t (id int primary key, v double not null default 0)");
        await pool.runOperation("create table heavy (id int primary key)");
        await pool.runOperation(filled("t (id)", 300, 1));
        const update = "update t set v = v + ? where id = ?";
        const lists = numbered(list, 300);
        await pool.runInteraction(async (other) => {
          // The server gives up the transaction that has changed less.
          await other.runOperation(filled("heavy (id)", 2000, 1));
          await other.runQuery("select * from t where id = 150 for update");
          const many = pool
            .runInteraction(async (transaction) => {
              await transaction.executeMany(update, lists);
            })
            .then(
              () => undefined,
              (error: unknown) => error,
            );
          const locked = "select id from t where id = 1 for update skip locked";
          await eventually("it has the first row", async () => (await pool.runQuery(locked)).length, 0);
          await other.runOperation("update t set v = 0 where id = 1");
          expect(await many).toBeInstanceOf(DeadlockDetected);
        });
        expect(await database.observe("select count(*) as n from t where v <> 0")).toEqual([{ n: 0 }]);
        await pool.runInteraction((transaction) => transaction.executeMany(update, lists));
        expect(await database.observe("select count(*) as n from t where v <> 0")).toEqual([{ n: 300 }]);
      }),
    );

    test.runIf(target.name === "mariadb")("integers beside decimals are few commands", () =>
      withPool(target, { min: 0, max: 1 }, async (pool) => {
        await pool.runOperation("create table t (id int primary key, price decimal(10,2), note varchar(90))");
        const insert = "insert into t values (?, ?, ?)";
        const lists = numbered((n) => [n, n % 2 ? n : n + 0.5, n % 3 ? n : n + 0.25], 3000);
        const { asked, isMariadb } = await pool.runInteraction(async (t) => {
          const count = async () => {
            const [row] = await t.runQuery("show session status like 'Questions'");
            return Number(row!.Value);
          };
          const before = await count();
          await t.executeMany(insert, lists);
          const [{ v }] = (await t.runQuery("select version() as v")) as [{ v: string }];
          return { asked: (await count()) - before, isMariadb: v.includes("MariaDB") };
        });
        if (isMariadb) expect(asked).toBeLessThan(20);
        const sums = "select sum(price) as price, sum(cast(note as decimal(20, 2))) as note from t";
        const [{ price, note }] = (await pool.runQuery(sums)) as [{ price: unknown; note: unknown }];
        expect([Number(price), Number(note)]).toEqual([4_502_250, 4_501_750]);
      }),
    );

    test("20 000 lists of mixed kinds", () =>
      withPool(target, { min: 0, max: 1 }, async (pool) => {
        await pool.runOperation(
          "create table t (id int primary key, s varchar(20), at datetime(3), x double)",
        );
        const lists = numbered(
          (n) => [n, n % 2 ? null : `name ${n}`, n % 3 ? new Date(1.7e12 + n) : null, n % 4 ? null : n / 8],
          20_000,
        );
        const insert = "insert into t values (?, ?, ?, ?)";
        expect(await pool.runInteraction((t) => t.executeMany(insert, lists))).toEqual({ rowCount: 20_000 });
        const [sums] = await pool.runQuery(
          "select count(*) as n, count(s) as s, count(at) as at, sum(x) as x from t",
        );
        expect(Object.values(sums!).map(Number)).toEqual([20_000, 10_000, 13_334, 6_251_250]);
      }));
  },
);
