import { statSync } from "node:fs";
import betterSqlite3 from "adbapi/drivers/better-sqlite3";
import nodeSqlite from "adbapi/drivers/node-sqlite";
import { describe, expect, it } from "vitest";
import type { Params } from "../../drivers/driver.js";
import { hasNodeSqlite } from "../support/has-node-sqlite.js";
import { sqliteDrivers, ThreadTester, temporaryFile } from "../support/thread-connections.js";

const COUNT_TO =
  "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?) select i from n";

for (const driver of sqliteDrivers) {
  describe(`${driver.name}: statements`, () => {
    it("gives rows, columns and counts", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (a integer primary key, b text)");
      const inserted = await test.execute("insert into t (b) values (?), (?)", ["x", "y"]);
      expect(inserted).toMatchObject({
        rowCount: 2,
        lastInsertId: 2,
        rows: [],
        columns: [],
        readOnly: false,
      });
      const updated = await test.execute("update t set b = 'z'");
      expect(updated).toMatchObject({ rowCount: 2, lastInsertId: undefined });
      const selected = await test.execute("select b, a from t order by a");
      expect(selected).toMatchObject({
        rows: [
          { b: "z", a: 1 },
          { b: "z", a: 2 },
        ],
        columns: [{ name: "b" }, { name: "a" }],
        rowCount: 2,
        readOnly: true,
      });
      const returned = await test.execute("insert into t (b) values ('w') returning a, b");
      expect(returned).toMatchObject({ rows: [{ a: 3, b: "w" }], rowCount: 1, lastInsertId: 3 });
      expect(await test.execute("select a from t where a > 9")).toMatchObject({
        rows: [],
        columns: [{ name: "a" }],
      });
      expect(await test.execute("create table u (a)")).toMatchObject({
        rowCount: 0,
        lastInsertId: undefined,
      });
    });

    it("takes params by name, whatever sign the name has in the text", async () => {
      const test = await ThreadTester.open(driver);
      expect(await test.rows("select :a as a, @b as b, $c as c", { a: 1, b: "two", c: null })).toEqual([
        { a: 1, b: "two", c: null },
      ]);
    });

    it("refuses a wrong number of params, and several statements, of which none runs", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (a)");
      for (const [sql, params] of [
        ["select ?, ?", [1]],
        ["select ?", [1, 2]],
        ["select ?", undefined],
        ["select 1", [1]],
        ["select :a, :b", { a: 1 }],
        ["insert into t values (1); insert into t values (2)", undefined],
        ["select 1; delete from t", undefined],
        ["selec 1", undefined],
        ["select * from nowhere", undefined],
      ] as const) {
        expect(await test.failure(test.execute(sql, params)), sql).toMatchObject({
          name: "ProgrammingError",
        });
      }
      expect(await test.rows("select count(*) as n from t")).toEqual([{ n: 0 }]);
    });

    it("stores whole numbers as INTEGER, and gives integers back exactly", async () => {
      const test = await ThreadTester.open(driver);
      expect(await test.rows("select typeof(?) as t, 5 / ? as q, typeof(?) as r", [1, 2, 0.5])).toEqual([
        { t: "integer", q: 2, r: "real" },
      ]);
      const big = 2n ** 53n + 1n;
      const largest = 2n ** 63n - 1n;
      expect(
        await test.rows("select ? as big, ? as largest, ? as safe", [big, largest, 2 ** 53 - 1]),
      ).toEqual([{ big, largest, safe: 2 ** 53 - 1 }]);
    });

    for (const [int64, one, big] of [
      ["bigint", 1n, 2n ** 53n],
      ["string", "1", "9007199254740992"],
    ] as const) {
      it(`gives all integers as ${int64} where that is asked for`, async () => {
        const test = await ThreadTester.open(driver, [":memory:"], { int64 });
        expect(await test.rows("select 1 as one, 9007199254740992 as big, 0.5 as half")).toEqual([
          { one, big, half: 0.5 },
        ]);
      });
    }

    it("refuses to round where numbers are asked for, and takes the write back that returned it", async () => {
      const test = await ThreadTester.open(driver, [":memory:"], { int64: "number" });
      await test.execute("create table t (a integer)");
      const insert = test.execute("insert into t values (9007199254740993) returning a");
      expect(await test.failure(insert)).toMatchObject({ name: "DataError" });
      expect(await test.rows("select count(*) as n from t")).toEqual([{ n: 0 }]);
    });

    it("carries BLOBs byte for byte, also of views, and gives Buffers", async () => {
      const test = await ThreadTester.open(driver);
      const memory = Buffer.from("0123456789".repeat(2_000));
      for (const view of [
        memory.subarray(3, 7),
        memory.subarray(9),
        new Uint8Array([0, 255]),
        Buffer.alloc(0),
      ]) {
        const [row] = await test.rows("select ? as blob, typeof(?) as type", [view, view]);
        expect(Buffer.isBuffer(row!.blob)).toBe(true);
        expect(row).toEqual({ blob: Buffer.from(view), type: "blob" });
      }
    });

    it("makes own properties of hostile names, and keeps the last of two alike", async () => {
      const test = await ThreadTester.open(driver);
      const sql = "select x'00' as __proto__, 1 as constructor, 2 as twice, 3 as twice";
      const [row] = await test.rows(sql);
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
      expect(Object.keys(row!)).toEqual(["__proto__", "constructor", "twice"]);
      expect(row!.twice).toBe(3);
      expect((await test.execute(sql, undefined, "array")).rows).toEqual([[Buffer.from([0]), 1, 2, 3]]);
    });

    it("answers in order, and the failure of one leaves the others alone", async () => {
      const test = await ThreadTester.open(driver);
      const order: unknown[] = [];
      const asked = [1, 2, 3, 4].map((n) =>
        test.execute(n === 3 ? "select nothing" : "select ? as n", n === 3 ? undefined : [n]).then(
          ({ rows }) => order.push((rows[0] as { n: number }).n),
          () => order.push("failed"),
        ),
      );
      expect(test.connection.state).toBe("unknown");
      await Promise.all(asked);
      expect(order).toEqual([1, 2, "failed", 4]);
      expect(test.connection.state).toBe("idle");
    });

    it("never holds the event loop while it makes many rows, and keeps what follows behind them", async () => {
      const test = await ThreadTester.open(driver);
      let turns = 0;
      const turning = setInterval(() => turns++, 0);
      const large = test.execute(COUNT_TO, [200_000]);
      const behind = test.execute("select 'behind' as said");
      let largeCame = false;
      large.then(() => {
        largeCame = true;
      });
      expect((await behind).rows).toEqual([{ said: "behind" }]);
      clearInterval(turning);
      expect(largeCame).toBe(true);
      expect((await large).rows).toHaveLength(200_000);
      expect((await large).rows[199_999]).toEqual({ i: 200_000 });
      expect(turns).toBeGreaterThan(20);
    });

    it("sees at once what another connection changed in the schema", async () => {
      const file = temporaryFile();
      const [test, other] = [
        await ThreadTester.open(driver, [file]),
        await ThreadTester.open(driver, [file]),
      ];
      await test.execute("create table t (a)");
      await test.execute("insert into t values (1)");
      for (let run = 0; run < 3; run++) expect(await test.rows("select * from t")).toEqual([{ a: 1 }]);
      await other.execute("alter table t rename column a to b");
      expect(await test.rows("select * from t")).toEqual([{ b: 1 }]);
      await other.execute("alter table t add column c default 2");
      const both = await Promise.all([test.rows("select * from t"), test.rows("select * from t")]);
      expect(both).toEqual([[{ b: 1, c: 2 }], [{ b: 1, c: 2 }]]);
    });

    it("names the columns of temporary tables as they are now", async () => {
      const test = await ThreadTester.open(driver, [temporaryFile()]);
      await test.execute("create temp table t as select 1 as a");
      for (let run = 0; run < 3; run++) expect(await test.rows("select * from t")).toEqual([{ a: 1 }]);
      await test.execute("drop table t");
      await test.execute("create temp table t as select 1 as b, 2 as c");
      for (let run = 0; run < 3; run++) expect(await test.rows("select * from t")).toEqual([{ b: 1, c: 2 }]);
    });

    it("names the columns of attached files as they are now", async () => {
      const attached = temporaryFile();
      const [test, other] = [
        await ThreadTester.open(driver, [temporaryFile()]),
        await ThreadTester.open(driver, [attached]),
      ];
      await other.execute("create table t as select 1 as a");
      await test.execute("attach ? as aside", [attached]);
      for (let run = 0; run < 3; run++) expect(await test.rows("select * from t")).toEqual([{ a: 1 }]);
      await other.execute("alter table t rename column a to b");
      for (let run = 0; run < 3; run++) expect(await test.rows("select * from t")).toEqual([{ b: 1 }]);
    });

    it("names the columns as they are after another change than the one that was rolled back", async () => {
      const test = await ThreadTester.open(driver, [temporaryFile()]);
      await test.execute("create table t as select 1 as a");
      expect(await test.rows("select * from t")).toEqual([{ a: 1 }]);
      await test.connection.begin({});
      await test.execute("alter table t rename column a to b");
      for (let run = 0; run < 3; run++) expect(await test.rows("select * from t")).toEqual([{ b: 1 }]);
      await test.connection.rollback();
      await test.execute("alter table t rename column a to c");
      for (let run = 0; run < 3; run++) expect(await test.rows("select * from t")).toEqual([{ c: 1 }]);
    });

    it("names the violated constraint", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table p (id integer primary key)");
      await test.execute("create table t (a not null, b unique, c check (c > 0), d references p)");
      await test.execute("pragma foreign_keys = on");
      await test.execute("insert into t values (1, 1, 1, null)");
      for (const [row, name, code] of [
        ["null, 2, 2, null", "NotNullViolation", "SQLITE_CONSTRAINT_NOTNULL"],
        ["1, 1, 1, null", "UniqueViolation", "SQLITE_CONSTRAINT_UNIQUE"],
        ["1, 2, 0, null", "CheckViolation", "SQLITE_CONSTRAINT_CHECK"],
        ["1, 2, 2, 77", "ForeignKeyViolation", "SQLITE_CONSTRAINT_FOREIGNKEY"],
      ] as const) {
        const error = await test.failure(test.execute(`insert into t values (${row})`));
        expect(error).toMatchObject({ name, code, retryable: false });
        expect(error.cause).toBeInstanceOf(Error);
      }
    });

    it("keeps what OR FAIL has written before it failed, as SQLite does", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (a unique)");
      const failed = await test.failure(test.execute("insert or fail into t values (1), (2), (1)"));
      expect(failed.name).toBe("UniqueViolation");
      expect(await test.rows("select a from t")).toEqual([{ a: 1 }, { a: 2 }]);
    });
  });

  describe(`${driver.name}: transactions`, () => {
    it("begins, commits and rolls back", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (a)");
      await test.connection.begin({});
      expect(test.connection.state).toBe("in transaction");
      await test.execute("insert into t values (1)");
      await test.connection.rollback();
      expect(test.connection.state).toBe("idle");
      const first = await test.connection.beginWith!(
        {},
        test.statement("insert into t values (2) returning a"),
      );
      expect(first.rows).toEqual([{ a: 2 }]);
      expect(await test.connection.executeMany!("insert into t values (?)", [[3n], [4n]])).toEqual({
        rowCount: 2,
      });
      await test.connection.commit();
      expect(test.connection.state).toBe("idle");
      expect(await test.rows("select a from t")).toEqual([{ a: 2 }, { a: 3 }, { a: 4 }]);
    });

    it("does not run the first statement when BEGIN finds the database busy", async () => {
      const args = [temporaryFile(), { timeout: 20 }];
      const [holder, test] = [await ThreadTester.open(driver, args), await ThreadTester.open(driver, args)];
      await holder.execute("create table t (a)");
      await holder.connection.begin({});
      const first = test.connection.beginWith!({}, test.statement("insert into t values (1)"));
      expect(await test.failure(first)).toMatchObject({ name: "LockNotAvailable", retryable: true });
      expect(test.connection.state).toBe("idle");
      await holder.connection.commit();
      expect(await test.rows("select * from t")).toEqual([]);
    });

    for (const [what, sql] of [
      ["OR ROLLBACK", "insert or rollback into t values (1)"],
      ["a COMMIT of the user's", "commit"],
    ] as const) {
      it(`runs nothing, and commits nothing, after ${what} has ended the transaction`, async () => {
        const test = await ThreadTester.open(driver);
        await test.execute("create table t (a unique)");
        await test.execute("insert into t values (1)");
        await test.connection.begin({});
        const ended = test.execute(sql).catch(() => {});
        const behind = test.failure(test.execute("insert into t values (3)"));
        expect((await behind).name).toBe("TransactionAborted");
        await ended;
        expect(test.connection.state).toBe("idle");
        expect(await test.rows("select count(*) as n from t")).toEqual([{ n: 1 }]);
        expect((await test.failure(test.connection.commit())).name).toBe("TransactionAborted");
        expect(await test.rows("select a from t")).toEqual([{ a: 1 }]);
        await test.connection.begin({});
        await test.connection.commit();
      });
    }

    it("refuses a COMMIT that would leave a deferred foreign key unmet, and can roll back", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("pragma foreign_keys = on");
      await test.execute("create table p (id integer primary key)");
      await test.execute("create table c (p references p deferrable initially deferred)");
      await test.connection.begin({});
      await test.execute("insert into c values (7)");
      expect((await test.failure(test.connection.commit())).name).toBe("ForeignKeyViolation");
      expect(test.connection.state).toBe("in transaction");
      await test.connection.rollback();
      expect(test.connection.state).toBe("idle");
    });

    it("refuses to write in a transaction that only reads", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (a)");
      await test.connection.begin({ readOnly: true });
      expect(await test.rows("select * from t")).toEqual([]);
      const refused = await test.failure(test.execute("insert into t values (1)"));
      expect(refused).toMatchObject({
        name: "OperationalError",
        message: expect.stringContaining("read only"),
      });
      await test.connection.rollback();
    });

    for (const sql of ["begin", "begin immediate", "savepoint s"]) {
      it(`rolls back what a single ${sql} would leave open, before anything else runs`, async () => {
        const test = await ThreadTester.open(driver);
        await test.execute("create table t (a)");
        const [failed] = await Promise.all([
          test.failure(test.execute(sql)),
          test.execute("insert into t values (1)"),
        ]);
        expect(failed).toMatchObject({
          name: "ProgrammingError",
          message: expect.stringContaining("runInteraction"),
        });
        expect(test.connection.state).toBe("idle");
        expect((await test.failure(test.execute("rollback"))).name).toBe("ProgrammingError");
        expect(await test.rows("select a from t")).toEqual([{ a: 1 }]);
      });
    }
  });

  describe(`${driver.name}: group commit`, () => {
    /** A text is grouped once it has been seen to be fast. */
    async function warmed(sql: string, { params = [0] as Params, file = temporaryFile() } = {}) {
      const test = await ThreadTester.open(driver, [file]);
      await test.execute("pragma foreign_keys = on");
      await test.execute("create table p (id integer primary key)");
      await test.execute("create table t (a integer unique, p references p deferrable initially deferred)");
      await test.execute(sql, params);
      return test;
    }

    it("pays for one commit where many writes came together", async () => {
      const file = temporaryFile();
      const sql = "insert into t (a) values (?)";
      const test = await warmed(sql, { file });
      const before = statSync(`${file}-wal`).size;
      const written = await Promise.all(Array.from({ length: 60 }, (_, at) => test.execute(sql, [at + 1])));
      expect(written.map((result) => result.rowCount)).toEqual(new Array(60).fill(1));
      expect(written.map((result) => result.lastInsertId)).toEqual(
        Array.from({ length: 60 }, (_, at) => at + 2),
      );
      const frames = (statSync(`${file}-wal`).size - before) / (4096 + 24);
      expect(frames).toBeLessThan(30);
      expect(await test.rows("select count(*) as n from t")).toEqual([{ n: 61 }]);
    });

    it("fails only the member that failed", async () => {
      const sql = "insert into t (a) values (?)";
      const test = await warmed(sql);
      const settled = await Promise.allSettled([1, 2, 0, 3].map((a) => test.execute(sql, [a])));
      expect(settled.map((one) => one.status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
      expect(await test.rows("select a from t order by a")).toEqual([{ a: 0 }, { a: 1 }, { a: 2 }, { a: 3 }]);
    });

    it("fails only the member whose foreign key is unmet at COMMIT", async () => {
      const sql = "insert into t (a, p) values (:a, case when :a = 2 then 99 end)";
      const test = await warmed(sql, { params: { a: 0 } });
      const settled = await Promise.allSettled([1, 2, 3].map((a) => test.execute(sql, { a })));
      expect(settled.map((one) => one.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      const [, failed] = settled;
      expect(driver.translate((failed as PromiseRejectedResult).reason).name).toBe("ForeignKeyViolation");
      expect(await test.rows("select a from t order by a")).toEqual([{ a: 0 }, { a: 1 }, { a: 3 }]);
    });

    it("is undone, and done again one by one, when a member rolls everything back", async () => {
      const sql = "insert or rollback into t (a) values (?)";
      const test = await warmed(sql);
      const settled = await Promise.allSettled([1, 0, 2].map((a) => test.execute(sql, [a])));
      expect(settled.map((one) => one.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await test.rows("select a from t order by a")).toEqual([{ a: 0 }, { a: 1 }, { a: 2 }]);
    });
  });

  describe(`${driver.name}: streams`, () => {
    it("gives batches, as they are asked for", async () => {
      const test = await ThreadTester.open(driver);
      const sizes: number[] = [];
      for await (const rows of test.connection.stream!(test.statement(COUNT_TO, [2_500]), 1_000))
        sizes.push(rows.length);
      expect(sizes).toEqual([1_000, 1_000, 500]);
      expect(test.connection.state).toBe("idle");
    });

    it("frees the connection when it is left early", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (a)");
      for await (const rows of test.connection.stream!(test.statement(COUNT_TO, [1_000_000_000]), 10)) {
        expect(rows).toHaveLength(10);
        break;
      }
      await test.execute("insert into t values (1)");
      expect(await test.rows("select a from t")).toEqual([{ a: 1 }]);
    });

    it("fails with the statement's error, and can be cancelled", async () => {
      const test = await ThreadTester.open(driver);
      const wrong = test.connection.stream!(test.statement("select nothing"), 10);
      expect((await test.failure(wrong.next())).name).toBe("ProgrammingError");
      const sql =
        "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n where i % 1000000 = 0";
      const statement = test.statement(sql);
      const endless = test.connection.stream!(statement, 1_000_000);
      const next = endless.next();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const cancelled = test.connection.cancel!(statement);
      await next.catch((error) => expect(driver.cancelled!(error, sql)).toBe("not applied"));
      await cancelled.done;
      expect(await endless.next()).toEqual({ done: true, value: undefined });
    });
  });

  describe(`${driver.name}: reset`, () => {
    it("leaves nothing of the session in a file's connection", async () => {
      const test = await ThreadTester.open(driver, [temporaryFile()]);
      await test.execute("create table t (a)");
      await test.execute("create temp table mine (a)");
      await test.connection.reset!();
      expect((await test.failure(test.execute("select * from mine"))).name).toBe("ProgrammingError");
      expect(await test.rows("select * from t")).toEqual([]);
    });

    it("keeps a database in memory, but not its temporary tables", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (a)");
      await test.execute("create temp table mine (a)");
      await test.execute("attach ':memory:' as other");
      await test.connection.reset!();
      expect((await test.failure(test.execute("select * from mine"))).name).toBe("ProgrammingError");
      expect(await test.rows("select * from t")).toEqual([]);
      expect(await test.rows("select name from pragma_database_list where name = 'other'")).toEqual([]);
    });
  });

  describe(`${driver.name}: connecting`, () => {
    it("says why a file cannot be opened", async () => {
      const open = ThreadTester.open(driver, [temporaryFile("no-such-directory/test.db")]);
      await expect(open.catch((error) => Promise.reject(driver.translate(error)))).rejects.toMatchObject({
        name: "OperationalError",
      });
    });

    it("refuses arguments that name no database, or another one", () => {
      const refused = [
        [],
        [""],
        [" "],
        [undefined],
        [null],
        [7],
        ["a\0b"],
        ["file:x?mode=memory"],
        ["a", 1],
        ["a", {}, 2],
      ];
      for (const args of [
        ...refused,
        ["a", { verbose() {} }],
        ["a", { constructor: 1 }],
        ["a", { timeout: "5" }],
      ]) {
        expect(() => driver.checkArgs!(args), JSON.stringify(args)).toThrow(
          expect.objectContaining({ name: "InterfaceError" }),
        );
      }
    });

    it("copies the arguments, and counts a database in memory as one connection", () => {
      const options = { timeout: 1 };
      const args = driver.checkArgs!(["a.db", options]);
      expect(args).toEqual(["a.db", { timeout: 1 }]);
      expect(args[1]).not.toBe(options);
      expect(driver.maxConnections!([":memory:"])).toBe(1);
      expect(driver.maxConnections!(args)).toBeGreaterThan(1_000);
    });

    it("knows where a URL leads", () => {
      const file = (url: string) => driver.fromUrl!(url)[0];
      expect(file("sqlite:file.db")).toBe("file.db");
      expect(file("sqlite:///absolute/a%20b.db")).toBe("/absolute/a b.db");
      expect(file("sqlite::memory:")).toBe(":memory:");
      expect(driver.fromUrl!("sqlite:a.db?mode=ro")).toHaveLength(2);
      for (const url of ["sqlite://host/a.db", "sqlite:a.db?nativeBinding=x", "sqlite:%zz", "mysql:a"]) {
        expect(() => driver.fromUrl!(url), url).toThrow(expect.objectContaining({ name: "InterfaceError" }));
      }
    });
  });
}

describe("better-sqlite3", () => {
  it("opens for reading only what it was told to", async () => {
    const file = temporaryFile();
    const writer = await ThreadTester.open(betterSqlite3, [file]);
    await writer.execute("create table t (a)");
    const reader = await ThreadTester.open(betterSqlite3, [file, { readonly: true }]);
    expect(await reader.rows("select * from t")).toEqual([]);
    const failed = await reader.failure(reader.execute("insert into t values (1)"));
    expect(failed).toMatchObject({ name: "OperationalError", code: "SQLITE_READONLY" });
  });
});

describe("node:sqlite", () => {
  it("is there, or says which Node has it", async () => {
    const open = ThreadTester.open(nodeSqlite);
    if (hasNodeSqlite) expect((await open).connection.state).toBe("idle");
    else
      await expect(open).rejects.toMatchObject({
        name: "NotSupportedError",
        message: expect.stringContaining("needs Node.js 24.16 or newer"),
      });
  });
});
