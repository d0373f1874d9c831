/** The PostgreSQL driver against the contract: statements, transactions, streams. */
import { describe, expect, test } from "vitest";
import { failureOf, openSession, type Session, statement } from "../../support/pg-session.js";
import { serverUrl } from "../../support/servers.js";

const url = serverUrl("postgres")!;

describe.runIf(url)("rows", () => {
  test("come as objects or arrays, with columns and a count", async () => {
    const session = await openSession(url);
    const sql = "select g as a, g * 2 as b from generate_series(1, $1::int) g";
    expect(await session.execute(statement(sql, [2]))).toMatchObject({
      rows: [
        { a: 1, b: 2 },
        { a: 2, b: 4 },
      ],
      rowCount: 2,
      lastInsertId: undefined,
      columns: [{ name: "a" }, { name: "b" }],
    });
    expect((await session.execute(statement(sql, [1], "array"))).rows).toEqual([[1, 2]]);
  });

  test("names such as __proto__ are own properties, before and after the statement has a name", async () => {
    const session = await openSession(url);
    for (let run = 0; run < 5; run++) {
      const { rows } = await session.run("select 'x' as __proto__, 2 as constructor, 3 as \"toString\"");
      const row = rows[0] as object;
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
      expect(Object.entries(row)).toEqual([
        ["__proto__", "x"],
        ["constructor", 2],
        ["toString", 3],
      ]);
    }
  });

  test("of two columns of one name the last wins in objects, and both are in arrays", async () => {
    const session = await openSession(url);
    expect((await session.run("select 1 as a, 2 as a")).rows).toEqual([{ a: 2 }]);
    expect((await session.execute(statement("select 1 as a, 2 as a", [], "array"))).rows).toEqual([[1, 2]]);
  });

  test("writes tell how many rows they hit", async () => {
    const session = await openSession(url);
    expect((await session.run("create temp table w (a int)")).rowCount).toBe(0);
    const insert = await session.run("insert into w values (1), (2), (3) returning a");
    expect([insert.rowCount, insert.rows.length]).toEqual([3, 3]);
    expect((await session.run("update w set a = 0 where a > $1", [1])).rowCount).toBe(2);
    expect((await session.run("delete from w where false")).rowCount).toBe(0);
  });

  test.each([
    ["driver", "9007199254740993", ["1", null]],
    ["string", "9007199254740993", ["1", null]],
    ["bigint", 9007199254740993n, [1n, null]],
  ] as const)("int64 as %s", async (int64, value, list) => {
    const session = await openSession(url, { int64 });
    const { rows } = await session.run("select 9007199254740993::int8 as a, array[1, null]::int8[] as b");
    expect(rows).toEqual([{ a: value, b: list }]);
  });

  test("int64 as number refuses what would be rounded, and the session goes on", async () => {
    const session = await openSession(url, { int64: "number" });
    const [large, small] = [
      session.run(
        "select (case g when 2 then 9007199254740993 else g end)::int8 as a from generate_series(1, 3) g",
      ),
      session.run("select 5::int8 as a"),
    ];
    expect((await failureOf(large)).name).toBe("DataError");
    expect((await small).rows).toEqual([{ a: 5 }]);
    expect(session.state).toBe("idle");
  });

  test("a type parser that throws fails its statement alone", async () => {
    const session = await openSession(url);
    const client = session.native as { setTypeParser(oid: number, parse: (text: string) => unknown): void };
    client.setTypeParser(25, () => {
      throw new Error("unreadable");
    });
    const error = await failureOf(session.run("select 'x'::text"));
    expect(error).toMatchObject({ name: "DataError", cause: { message: "unreadable" } });
    expect((await session.run("select 1 as a")).rows).toEqual([{ a: 1 }]);
  });
});

describe.runIf(url)("params", () => {
  test("arrive as they are", async () => {
    const session = await openSession(url);
    const text = `ü€𝄞 ${"x".repeat(5000)}`;
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    const sql =
      "select $1::text as a, $2::bytea as b, $3::int[] as c, $4::json as d, $5::bool as e, $6::int8 as f, $7::text as g";
    const { rows } = await session.run(sql, [text, bytes, [1, 2], { k: "v" }, true, 5n, null]);
    const { b, ...others } = rows[0] as { readonly b: Buffer };
    expect(others).toEqual({ a: text, c: [1, 2], d: { k: "v" }, e: true, f: "5", g: null });
    expect(b.equals(bytes)).toBe(true);
  });

  test("one that cannot be encoded fails its statement alone", async () => {
    const session = await openSession(url);
    const bad = { sql: "select $1", params: [{ toPostgres: () => fail() }], rowMode: "object" } as const;
    const fail = () => {
      throw new Error("no");
    };
    const [before, failed, after] = [
      session.run("select 1 as a"),
      session.execute(bad),
      session.run("select 2 as a"),
    ];
    expect(await failureOf(failed)).toMatchObject({ name: "InterfaceError", cause: { message: "no" } });
    expect([(await before).rows, (await after).rows]).toEqual([[{ a: 1 }], [{ a: 2 }]]);
  });

  test("65 535 are taken, one more is refused", async () => {
    const session = await openSession(url);
    const ask = (count: number) => {
      const sql = `select ${Array.from({ length: count }, (_, index) => `$${index + 1}::int`).join("+")} as sum`;
      return session.execute({ sql, params: Array<number>(count).fill(1), rowMode: "object" });
    };
    expect((await failureOf(ask(65_536))).name).toBe("InterfaceError");
    const list = Array.from({ length: 65_535 }, (_, index) => `($${index + 1})`).join(",");
    const sql = `select count(*)::int as n from (values ${list}) v`;
    const params = Array<string>(65_535).fill("1");
    expect((await session.execute({ sql, params, rowMode: "object" })).rows).toEqual([{ n: 65_535 }]);
  });
});

describe.runIf(url)("a pipeline", () => {
  test("answers in order, and a failure leaves the others alone", async () => {
    const session = await openSession(url);
    const order: number[] = [];
    const work = Array.from({ length: 16 }, async (_, index) => {
      const result = session.run(
        index % 4 === 3 ? "select 1 / 0" : "select $1::int as a",
        index % 4 === 3 ? [] : [index],
      );
      expect(session.state).toBe("unknown");
      await result.finally(() => order.push(index));
      return result;
    });
    const results = await Promise.allSettled(work);
    expect(order).toEqual(Array.from({ length: 16 }, (_, index) => index));
    for (const [index, result] of results.entries()) {
      if (index % 4 === 3) expect(result.status).toBe("rejected");
      else expect(result).toMatchObject({ value: { rows: [{ a: index }] } });
    }
    expect(session.state).toBe("idle");
  });

  test("statements given to the native client keep their place among ours", async () => {
    const session = await openSession(url);
    const native = session.native as { query(sql: string): Promise<{ rows: unknown[] }> };
    const [one, two, three] = [
      session.run("select 1 as a"),
      native.query("select 2 as a"),
      session.run("select 3 as a"),
    ];
    expect([(await one).rows, (await two).rows, (await three).rows]).toEqual([
      [{ a: 1 }],
      [{ a: 2 }],
      [{ a: 3 }],
    ]);
    const late = native.query("select pg_sleep(0.05)");
    expect(session.state).toBe("unknown");
    await late;
    expect(session.state).toBe("idle");
  });

  test.each(["select 1; select 2", "create temp table m (a int); drop table m"])(
    "%s: nothing of it is run",
    async (sql) => {
      const session = await openSession(url);
      expect((await failureOf(session.run(sql))).name).toBe("ProgrammingError");
      expect((await session.run("select to_regclass('pg_temp.m') as m")).rows).toEqual([{ m: null }]);
    },
  );

  test.each([
    "copy c from stdin",
    "copy c to stdout",
    "/* hidden */ copy c from stdin",
    "/* hidden */ copy c to stdout",
  ])("%s is not supported, and harms nothing", async (sql) => {
    const session = await openSession(url);
    await session.run("create temp table c (a int)");
    await session.run("insert into c values (1)");
    expect((await failureOf(session.run(sql))).name).toBe("NotSupportedError");
    const rows: Promise<unknown> = (async () => {
      for await (const _ of session.stream(statement(sql), 10));
    })();
    expect((await failureOf(rows)).name).toBe("NotSupportedError");
    expect(session.state).toBe("idle");
    expect((await session.run("select a from c")).rows).toEqual([{ a: 1 }]);
  });
});

describe.runIf(url)("a transaction", () => {
  test("begins with its options, commits, rolls back", async () => {
    const session = await openSession(url);
    await session.begin({ isolation: "serializable", readOnly: true });
    expect(session.state).toBe("in transaction");
    const sql =
      "select current_setting('transaction_isolation') as i, current_setting('transaction_read_only') as r";
    expect((await session.run(sql)).rows).toEqual([{ i: "serializable", r: "on" }]);
    await session.commit();
    expect(session.state).toBe("idle");
    await session.begin({});
    await session.run("create temp table gone (a int)");
    await session.rollback();
    expect((await failureOf(session.run("select * from gone"))).name).toBe("ProgrammingError");
  });

  test("begins together with its first statement", async () => {
    const session = await openSession(url);
    const sql = "select current_setting('transaction_isolation') as i, $1::int as a";
    for (let run = 0; run < 5; run++) {
      const { rows, rowCount } = await session.beginWith(
        { isolation: "repeatable read" },
        statement(sql, [run]),
      );
      expect([rows, rowCount]).toEqual([[{ i: "repeatable read", a: run }], 1]);
      expect(session.state).toBe("in transaction");
      await session.commit();
    }
  });

  test("when BEGIN fails, the statement is not run", async () => {
    const session = await openSession(url);
    await session.ping("create temp table b (a int)");
    // The isolation level cannot be said any more once a transaction has begun to work.
    await session.begin({});
    await session.run("savepoint s");
    await session.run("select * from b");
    const insert = statement("insert into b values (1)");
    const error = await failureOf(session.beginWith({ isolation: "serializable" }, insert));
    expect(error.code).toBe("25001");
    await session.run("rollback to s");
    await session.commit();
    expect((await session.run("select * from b")).rows).toEqual([]);
  });

  test("when the first statement fails, the transaction is still open, and its commit is refused", async () => {
    const session = await openSession(url);
    expect((await failureOf(session.beginWith({}, statement("select 1 / 0")))).name).toBe("DataError");
    expect(session.state).toBe("in transaction");
    expect((await failureOf(session.commit())).name).toBe("TransactionAborted");
    expect(session.state).toBe("idle");
  });

  test.each(["commit", "rollback"])("a %s of the caller's own fails the commit", async (sql) => {
    const session = await openSession(url);
    await session.begin({});
    await session.run(sql);
    expect((await failureOf(session.commit())).name).toBe("TransactionAborted");
  });

  test("an isolation level that is none is refused", async () => {
    const session = await openSession(url);
    const isolation = "read committed; drop table x" as "read committed";
    expect((await failureOf(session.begin({ isolation }))).name).toBe("InterfaceError");
    expect((await failureOf(session.beginWith({ isolation }, statement("select 1")))).name).toBe(
      "InterfaceError",
    );
    expect(session.state).toBe("idle");
  });
});

describe.runIf(url)("one text with many params", () => {
  const begin = async (): Promise<Session> => {
    const session = await openSession(url);
    await session.run("create temp table many (a int primary key, b text)");
    await session.begin({});
    return session;
  };

  test("runs for each of them", async () => {
    const session = await begin();
    const list = Array.from({ length: 5000 }, (_, index) => [index, `v${index}`]);
    expect(await session.executeMany("insert into many values ($1, $2)", list)).toEqual({ rowCount: 5000 });
    expect(await session.executeMany("delete from many where a >= $1 returning a", [[4990], [4980]])).toEqual(
      { rowCount: 20 },
    );
    expect(await session.executeMany("select 1", [])).toEqual({ rowCount: 0 });
    await session.commit();
    expect((await session.run("select count(*)::int as n from many")).rows).toEqual([{ n: 4980 }]);
  });

  test("stops at the first failure, in whatever chunk, and rejects with it when all is over", async () => {
    const session = await begin();
    const list = Array.from({ length: 5000 }, (_, index) => [index === 1500 ? 3 : index, "x"]);
    expect((await failureOf(session.executeMany("insert into many values ($1, $2)", list))).name).toBe(
      "UniqueViolation",
    );
    expect(session.state).toBe("in transaction");
    await session.rollback();
    expect(session.state).toBe("idle");
  });

  test("what comes before params that cannot be encoded is run", async () => {
    const session = await begin();
    const bad = () => {
      throw new Error("no");
    };
    const list = [
      [1, "a"],
      [2, { toPostgres: bad }],
      [3, "c"],
    ];
    expect((await failureOf(session.executeMany("insert into many values ($1, $2)", list))).name).toBe(
      "InterfaceError",
    );
    expect((await session.run("select a from many")).rows).toEqual([{ a: 1 }]);
  });
});

describe.runIf(url)("a stream", () => {
  const read = async (session: Session, sql: string, batch: number, most = Number.POSITIVE_INFINITY) => {
    const sizes: number[] = [];
    for await (const rows of session.stream(statement(sql, [], "array"), batch)) {
      sizes.push(rows.length);
      if (sizes.length >= most) break;
    }
    return sizes;
  };
  const series = (count: number) => `select g from generate_series(1, ${count}) g`;

  test.each([0, 1, 9, 10])("of %i rows", async (count) => {
    const session = await openSession(url);
    expect((await read(session, series(count), 3)).reduce((sum, size) => sum + size, 0)).toBe(count);
    expect(session.state).toBe("idle");
  });

  test.each(["outside", "inside"])(
    "%s of a transaction ends early and leaves the session usable",
    async (where) => {
      const session = await openSession(url);
      if (where === "inside") await session.begin({});
      expect(await read(session, series(1_000_000), 5, 2)).toEqual([5, 5]);
      expect(session.state).toBe(where === "inside" ? "in transaction" : "idle");
      expect(
        (await session.run("select name from pg_cursors where statement like 'select g from%'")).rows,
      ).toEqual([]);
      if (where === "inside") await session.commit();
    },
  );

  test("reads no further than it is asked", async () => {
    const session = await openSession(url);
    await session.run("create temp sequence progress");
    const rows = session.stream(statement("select nextval('progress') from generate_series(1, 10000)"), 10);
    await rows.next();
    await rows.next();
    expect(session.state).toBe("unknown");
    await rows.return!();
    expect((await session.run("select last_value::int as n from progress")).rows).toEqual([{ n: 20 }]);
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });

  test("fails where its statement does", async () => {
    const session = await openSession(url);
    for (const sql of ["selec", "select 1; select 2", "select 10 / (5 - g) from generate_series(1, 10) g"]) {
      const error = await failureOf(read(session, sql, 3));
      expect(error.name).toBe(sql.includes("/") ? "DataError" : "ProgrammingError");
      expect(session.state).toBe("idle");
    }
  });

  test("a value that cannot be read ends it", async () => {
    const session = await openSession(url, { int64: "number" });
    const sql = "select 9007199254740990 + g from generate_series(1::int8, 1000) g";
    expect((await failureOf(read(session, sql, 2))).name).toBe("DataError");
    expect(session.state).toBe("idle");
  });

  test("return() before the first rows, and while rows are on their way", async () => {
    const session = await openSession(url);
    const unopened = session.stream(statement(series(5)), 2);
    await unopened.return!();
    expect(session.state).toBe("idle");
    const rows = session.stream(statement(series(5)), 2);
    const next = rows.next();
    await rows.return!();
    await next;
    expect(session.state).toBe("idle");
  });

  test("that is cut off rejects", async () => {
    const session = await openSession(url);
    const rows = session.stream(statement(series(100)), 2);
    await rows.next();
    session.destroy();
    expect((await failureOf(rows.next())).name).toBe("ConnectionLost");
    await rows.return!();
  });
});
