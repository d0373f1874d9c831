/**
 * Styles in which PostgreSQL writes values: whoever has chosen them, a value is read right or refused, never null or
 * empty.
 */
import { ConnectionPool, DataError } from "adbapi";
import type { Client } from "pg";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { hasPgBouncer, startPgBouncer } from "../../support/pgbouncer.js";
import { connectPostgres } from "../../support/postgres-observer.js";
import { pgTarget } from "../../support/postgres-target.js";
import { ownServer, serverUrl } from "../../support/servers.js";
import type { TestDatabase } from "../../support/target.js";
import { type UsePool, withPool } from "../../support/with-pool.js";
import { WORLD } from "../../support/world.js";

const url = serverUrl("postgres")!;

/** For the sessions to come. */
const setOfDatabase = (database: TestDatabase, settings: Readonly<Record<string, string>>) =>
  database.observe(
    Object.entries(settings)
      .map(
        ([name, value]) =>
          `do $$ begin execute format('alter database %I set ${name} = ''${value}''', current_database()); end $$`,
      )
      .join("; "),
  );

const VALUES = `date '2026-02-03' as day, timestamp '2026-02-03 04:05:06.5' as local,
  timestamptz '2026-02-03 04:05:06+00' as at, timestamptz '1900-01-01 00:00:00+00' as past,
  array[date '2026-02-03', null] as days, array[timestamptz '2026-02-03 04:05:06+00'] as moments,
  date 'infinity' as never, date '0044-03-15 BC' as ides,
  interval '1 year -2 days 03:04:05.5' as lasts, array[interval '1 day', interval '0', null] as lengths,
  0.1::float8 + 0.2::float8 as float, array[1/3::float8] as floats, 16777216::float4 as short,
  '\\x00ff5c'::bytea as bytes`;

/** Two columns are as the session's own zone has them. */
const right = (row: Record<string, unknown>) => {
  expect(row).toEqual({
    day: new Date(2026, 1, 3),
    local: new Date(2026, 1, 3, 4, 5, 6, 500),
    at: new Date("2026-02-03T04:05:06Z"),
    past: new Date("1900-01-01T00:00:00Z"),
    days: [new Date(2026, 1, 3), null],
    moments: [new Date("2026-02-03T04:05:06Z")],
    never: Number.POSITIVE_INFINITY,
    ides: expect.any(Date),
    lasts: { years: 1, days: -2, hours: 3, minutes: 4, seconds: 5, milliseconds: 500 },
    lengths: [{ days: 1 }, {}, null],
    float: 0.30000000000000004,
    floats: [0.3333333333333333],
    short: 16777216,
    bytes: Buffer.from([0, 255, 92]),
  });
};

describe.runIf(url && WORLD.pooler === undefined)("styles of the database", () => {
  const STYLES: readonly Readonly<Record<string, string>>[] = [
    { datestyle: "German", intervalstyle: "iso_8601", extra_float_digits: "0", bytea_output: "escape" },
    {
      datestyle: "SQL, DMY",
      intervalstyle: "sql_standard",
      extra_float_digits: "-15",
      timezone: "Europe/Amsterdam",
    },
    { datestyle: "Postgres, MDY", intervalstyle: "postgres_verbose", timezone: "Africa/Monrovia" },
    { datestyle: "ISO, DMY", timezone: "Asia/Kathmandu" },
  ];

  const ask = `select ${VALUES}`;

  test.each(STYLES)("do no harm: %o", (settings) =>
    withPool(pgTarget, { max: 1 }, async (pool, database) => {
      await setOfDatabase(database, settings);
      for (let run = 0; run < 5; run++) right((await pool.runQuery(ask))[0]!);
      for await (const row of pool.runStream(ask)) right(row);
      await pool.runInteraction(async (transaction) => {
        await transaction.execute(ask);
        right((await transaction.fetchOne())!);
        await transaction.runOperation("reset all");
        right((await transaction.runQuery(ask))[0]!);
      });
      await pool
        .runInteraction((transaction) => transaction.runOperation("reset all").then(() => Promise.reject(1)))
        .catch(() => {});
      right((await pool.runQuery(ask))[0]!);
      await pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute(ask);
        right((await cursor.fetchOne())!);
        await cursor.execute("set datestyle = 'SQL'");
        await connection.commit();
      });
      for (const sql of [
        "select 1",
        "reset all",
        "reset datestyle",
        "set datestyle to default",
        "set intervalstyle = DEFAULT;",
        "set session extra_float_digits to default",
        "do $$ begin reset intervalstyle; end $$",
        "discard all",
      ]) {
        await pool.runOperation(sql);
        right((await pool.runQuery(ask))[0]!);
        for await (const row of pool.runStream(ask)) right(row);
      }
    }),
  );

  test("keep the order of day and month in what is written", () =>
    withPool(pgTarget, { max: 1 }, async (pool, database) => {
      await setOfDatabase(database, { datestyle: "SQL, DMY" });
      expect(await pool.runQuery("select '03/02/2026'::date as day")).toEqual([
        { day: new Date(2026, 1, 3) },
      ]);
    }));

  test("reach sessions that are open, when the server reads its configuration anew", async () => {
    await using own = await ownServer("postgres");
    const pool = ConnectionPool.fromUrl(own.url, { min: 0, max: 1 });
    try {
      right((await pool.runQuery(ask))[0]!);
      const styles = { DateStyle: "German", IntervalStyle: "iso_8601", extra_float_digits: "0" };
      for (const [name, value] of Object.entries(styles))
        await pool.runOperation(`alter system set ${name} = '${value}'`);
      await pool.runOperation("select pg_reload_conf()");
      const fresh = ConnectionPool.fromUrl(own.url, { min: 0, max: 1, prepare: false });
      await eventually("the style of new sessions", () => shown(own.url, "DateStyle"), "German, DMY");
      for (let run = 0; run < 3; run++) {
        right((await pool.runQuery(ask))[0]!);
        right((await fresh.runQuery(ask))[0]!);
      }
      await fresh.close();
    } finally {
      await pool.close();
    }
  });
});

describe.runIf(url && WORLD.pooler === undefined)("floats that the database would have rounded", () => {
  const FLOAT = "select 0.1::float8 + 0.2::float8 as x";
  const EXACT = [{ x: 0.30000000000000004 }];
  const PREPARED = { prepared: {}, unprepared: { prepare: false } };

  const withRounding = (options: object, use: UsePool<void>) =>
    withPool(pgTarget, { max: 1, ...options }, async (pool, database) => {
      await database.observe(`
        create function forget() returns int language plpgsql as $$ begin reset all; return 1; end $$;
        create function restore() returns text language sql as
          $$ select set_config(name, reset_val, false) from pg_settings where name like 'extra\\_float%' $$;
        create function on_insert() returns trigger language plpgsql as
          $$ begin reset extra_float_digits; return new; end $$;
        create procedure fails() language plpgsql as
          $$ begin reset all; commit; raise exception 'no'; end $$;
        create table heard (x int);
        create trigger forgets after insert on heard for each row execute function on_insert()`);
      await setOfDatabase(database, { extra_float_digits: "0" });
      await use(pool, database);
    });

  test.each([
    ["a block", "do $$ begin reset all; end $$"],
    ["a block that names it", "do $$ begin reset extra_float_digits; end $$"],
    ["a block that commits", "do $$ begin reset all; commit; end $$"],
    ["a function", "select forget()"],
    ["set_config in a function", "select restore()"],
    ["a query in FROM", "select * from forget() as f"],
    ["a trigger", "insert into heard values (1)"],
    ["a trigger and RETURNING", "insert into heard values (1) returning x"],
    ["EXPLAIN ANALYZE", "explain analyze select forget()"],
    ["a procedure that fails after its commit", "call fails()"],
  ])("come exact after %s", async (_how, sql) => {
    for (const options of Object.values(PREPARED)) {
      await withRounding(options, async (pool) => {
        const lower = () => pool.runOperation(sql).then(ignore, ignore);
        for (let run = 0; run < 5; run++) {
          await lower();
          expect(await pool.runQuery(FLOAT)).toEqual(EXACT);
        }
        for await (const _ of pool.runStream(/^(?:do|call)/.test(sql) ? FLOAT : sql));
        for await (const row of pool.runStream(FLOAT)) expect([row]).toEqual(EXACT);
        if (!sql.includes("commit") && !sql.includes("fails"))
          await pool.runInteraction(async (transaction) => {
            await transaction.runOperation("savepoint s");
            await transaction.runOperation(sql);
            expect(await transaction.runQuery(FLOAT)).toEqual(EXACT);
            await transaction.runOperation("rollback to s");
            expect(await transaction.runQuery(FLOAT)).toEqual(EXACT);
          });
        expect(await pool.runQuery(FLOAT)).toEqual(EXACT);
      });
    }
  });

  test.each([
    "select forget()",
    "select 1; select forget(); select 2",
    "reset all; select 1 / 0",
    "begin; reset all; commit; select 1 / 0",
    "reset extra_float_digits; select 1",
  ])("come exact after the script %s", (script) =>
    withRounding({}, async (pool) => {
      const run = (place: { runScript(sql: string): PromiseLike<unknown> }) =>
        place.runScript(script).then(ignore, ignore);
      for (let round = 0; round < 3; round++) {
        await run(pool);
        expect(await pool.runQuery(FLOAT)).toEqual(EXACT);
      }
      if (script.includes("forget"))
        await pool.runInteraction(async (transaction) => {
          await run(transaction);
          expect(await transaction.runQuery(FLOAT)).toEqual(EXACT);
        });
    }),
  );

  test("are refused where the same answer, or one on its way behind it, has them", () =>
    withRounding({}, async (pool) => {
      await expect(pool.runQuery("select forget(), 0.1::float8 + 0.2::float8 as x")).rejects.toThrow(
        /rounds.*lowered by what the statement ran/s,
      );
      expect(await pool.runQuery(FLOAT)).toEqual(EXACT);
      for (let run = 0; run < 5; run++) {
        await pool.runQuery("select forget()");
        await pool.runQuery(FLOAT);
      }
      const behind = [
        pool.runQuery("select forget()"),
        ...Array.from({ length: 5 }, () => pool.runQuery(FLOAT)),
      ];
      const [, ...floats] = await Promise.allSettled(behind);
      for (const end of floats) {
        if (end.status === "fulfilled") expect(end.value).toEqual(EXACT);
        else expect(end.reason).toBeInstanceOf(DataError);
      }
      expect(await pool.runQuery(FLOAT)).toEqual(EXACT);
    }));

  test("come exact after what was said to the native client", () =>
    withRounding({ prepare: false }, (pool) =>
      pool.runWithConnection(async (connection) => {
        const client = connection.native as Client;
        const cursor = connection.cursor();
        await client.query("select forget()");
        await cursor.execute(FLOAT);
        expect(await cursor.fetchAll()).toEqual(EXACT);
        await client.query("reset all");
        await cursor.execute(FLOAT);
        expect(await cursor.fetchAll()).toEqual(EXACT);
      }),
    ));

  test("are as a caller has asked for by name, until the session is as it was", () =>
    withRounding({}, async (pool) => {
      const rounded = [{ x: 0.3 }];
      await pool.runInteraction(async (transaction) => {
        await transaction.runOperation("set local extra_float_digits = 0");
        await transaction.runQuery("select restore()");
        expect(await transaction.runQuery(FLOAT)).toEqual(rounded);
      });
      await pool.runQuery("select forget()");
      expect(await pool.runQuery(FLOAT)).toEqual(EXACT);
      await pool.runQuery("select set_config('extra_float_digits', '0', false)");
      expect(await pool.runQuery(FLOAT)).toEqual(rounded);
      for (const set of ["set extra_float_digits = 0", 'set "extra_float_digits" to 0'])
        await pool.runOperation(set);
      await pool.runQuery("select forget()");
      expect(await pool.runQuery(FLOAT)).toEqual(rounded);
      await pool.runOperation("reset all");
      expect(await pool.runQuery(FLOAT)).toEqual(EXACT);
    }));
});

describe.runIf(url && WORLD.pooler === undefined)("a style that the caller has set in the session", () => {
  const refused = async (work: PromiseLike<unknown>, name: RegExp) => {
    const error = await Promise.resolve(work).then(
      (rows) => rows,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(name);
  };
  const one = (style: string, sql: string, name: RegExp) => [style, sql, name] as const;

  test.each([
    one("datestyle = 'German'", "select date '2026-02-03' as x", /DateStyle is German/),
    one("datestyle = 'SQL'", "select timestamp '2026-02-03 04:05' as x", /DateStyle is SQL/),
    one("datestyle = 'Postgres, DMY'", "select date '2026-02-03' as x", /DateStyle is Postgres/),
    one("datestyle = 'Postgres, MDY'", "select timestamptz '2026-02-03 04:05' as x", /DateStyle/),
    one("datestyle = 'SQL, DMY'", "select array[date '2026-02-03', null] as x", /DateStyle/),
    one("datestyle = 'German'", "select array[[timestamptz '2026-02-03 04:05']] as x", /DateStyle/),
    one("intervalstyle = 'iso_8601'", "select interval '1 day 2 hours' as x", /IntervalStyle is iso_8601/),
    one("intervalstyle = 'sql_standard'", "select interval '1 year 3 days 04:05:06' as x", /IntervalStyle/),
    one("intervalstyle = 'sql_standard'", "select interval '1 day 04:05:06' as x", /IntervalStyle/),
    one("intervalstyle = 'sql_standard'", "select interval '2 years 1 mon' as x", /IntervalStyle/),
    one("intervalstyle = 'postgres_verbose'", "select interval '1 day' as x", /IntervalStyle/),
    one("intervalstyle = 'iso_8601'", "select array[interval '1 day'] as x", /IntervalStyle/),
  ])("%s is refused for %s, and the session is used again", (style, sql, name) =>
    withPool(pgTarget, { max: 1 }, async (pool) => {
      for (let run = 0; run < 4; run++) await pool.runQuery(sql);
      await pool.runOperation(`set ${style}`);
      for (let run = 0; run < 4; run++) await refused(pool.runQuery(sql), name);
      await refused(pool.runQuery(`${sql} -- new`), name);
      const all = async () => {
        for await (const _ of pool.runStream(sql));
      };
      await refused(all(), name);
      await refused(
        pool.runInteraction((transaction) => transaction.execute(sql)),
        name,
      );
      expect(await pool.runQuery("select null::date as x, array[null::interval] as y")).toEqual([
        { x: null, y: [null] },
      ]);
      const [row] = await pool.runQuery(sql.replace(/ as x$/, "::text as x"));
      expect(row!.x).toEqual(expect.any(String));
      await pool.runOperation("set datestyle = ISO");
      await pool.runOperation("set intervalstyle = postgres");
      await pool.runQuery(sql);
    }),
  );

  test("is read by the caller's own parser", () =>
    withPool(pgTarget, { max: 1 }, async (pool, database) => {
      const types = { getTypeParser: () => (text: string) => `<${text}>` };
      const own = new ConnectionPool(
        "pg",
        { connectionString: database.connectArgs as string, types },
        { min: 0, max: 1 },
      );
      try {
        await own.runOperation("set datestyle = 'German'");
        expect(await own.runQuery("select date '2026-02-03' as x")).toEqual([{ x: "<03.02.2026>" }]);
        await pool.runQuery("select 1");
      } finally {
        await own.close();
      }
    }));
});

describe.runIf(url && hasPgBouncer && !WORLD.tls)("styles behind PgBouncer in transaction mode", () => {
  test.each([{}, { ignore_startup_parameters: "extra_float_digits" }])(
    "are right, or refused: %o",
    async (settings) => {
      await using database = await pgTarget.createDatabase({ serverUrl: url });
      await using bouncer = await startPgBouncer(url, { default_pool_size: 2, ...settings });
      await setOfDatabase(database, {
        datestyle: "German",
        intervalstyle: "iso_8601",
        extra_float_digits: "0",
      });
      const pool = ConnectionPool.fromUrl(bouncer.through(database.connectArgs as string), {
        min: 0,
        max: 4,
      });
      try {
        const day = "select date '2026-02-03' as x, pg_sleep(0.02)::text";
        const days = await Promise.all(Array.from({ length: 12 }, () => pool.runQuery(day)));
        for (const [row] of days) expect(row!.x).toEqual(new Date(2026, 1, 3));
        for (const sql of [
          "interval '1 day'",
          "array[interval '1 day']",
          "0.1::float8",
          "array[0.1::float4]",
          "point(0.1, 0.2)",
          "array[point(0.1, 0.2)]",
          "circle(point(0.1, 0.2), 1)",
        ]) {
          const work = Array.from({ length: 6 }, () => pool.runQuery(`select ${sql} as x`));
          for (const { status, ...end } of await Promise.allSettled(work)) {
            expect([status, "reason" in end && end.reason]).toEqual(["rejected", expect.any(DataError)]);
          }
        }
      } finally {
        await pool.close();
      }
    },
  );
});

describe.runIf(url)("an encoding that is not UTF-8", () => {
  const TEXT = "pä€ß😀";
  const WAYS = {
    SET: "set client_encoding = 'LATIN1'",
    "SET NAMES": "set names 'WIN1252'",
    set_config: "select set_config('client_encoding', 'latin1', false)",
    "a block": "do $$ begin set client_encoding = 'LATIN9'; end $$",
    "a function": "select encode_so()",
  };
  const refusal = { name: "NotSupportedError", message: expect.stringContaining("nothing but UTF-8") };

  test.each(Object.entries(WAYS))("by %s is refused, and texts stay right", async (_how, sql) => {
    await withPool(pgTarget, { max: 1 }, async (pool, database) => {
      await database.observe(`create table texts (x text); create function encode_so() returns text language plpgsql as
        $$ begin return set_config('client_encoding', 'LATIN1', false); end $$`);
      const right = async (connection: Pick<ConnectionPool, "runQuery" | "runOperation">) => {
        await connection.runOperation("insert into texts values ($1)", [TEXT]);
        expect(await connection.runQuery("select x, length(x)::int as n from texts")).toEqual([
          { x: TEXT, n: [...TEXT].length },
        ]);
        await connection.runOperation("delete from texts");
      };
      for (let run = 0; run < 4; run++) {
        await expect(pool.runOperation(sql)).rejects.toMatchObject(refusal);
        await right(pool);
      }
      await pool.runInteraction(async (transaction) => {
        await right(transaction);
        await transaction.runOperation("savepoint s");
        await expect(transaction.runOperation(sql)).rejects.toMatchObject(refusal);
        await right(transaction);
        await transaction.runOperation("rollback to s");
        await right(transaction);
      });
      await right(pool);
    });
  });

  test("by the native client is put back", () =>
    withPool(pgTarget, { max: 1 }, (pool) =>
      pool.runWithConnection(async (connection) => {
        await (connection.native as Client).query(WAYS.SET);
        const cursor = connection.cursor();
        await cursor.execute("select $1::text as x", [TEXT]);
        expect(await cursor.fetchAll()).toEqual([{ x: TEXT }]);
      }),
    ));
});

async function shown(server: string, setting: string): Promise<unknown> {
  const client = await connectPostgres(server, { options: "" });
  try {
    return (await client.query(`show ${setting}`)).rows[0][setting];
  } finally {
    await client.end();
  }
}

function ignore(): void {}
