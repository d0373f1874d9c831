/**
 * Names of prepared statements on PostgreSQL: what they mean does not change under them, however the names of tables
 * move.
 */
import type { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { failureOf, openSession, type Session, statement } from "../../support/pg-session.js";
import { pgTarget } from "../../support/postgres-target.js";
import { serverUrl } from "../../support/servers.js";
import type { TestDatabase } from "../../support/target.js";
import { WORLD } from "../../support/world.js";

/** Behind a pooler in transaction mode statements have no names, and sessions keep nothing. */
describe.runIf(serverUrl("postgres") && WORLD.pooler === undefined)(
  "a name that would mean something else",
  () => {
    let database: TestDatabase;
    let session: Session;

    const ADD = "insert into item (code, at) values ($1, $2)";
    const NOON = "2026-02-03T12:00:00Z";
    const add = (code = "7") => session.run(ADD, [code, NOON]);
    const addOften = async () => {
      for (let run = 0; run < 4; run++) await add();
    };
    const named = async () =>
      (await fresh("select from pg_prepared_statements where statement = $1", [ADD])).length;
    /** By a text that has never been prepared. */
    const fresh = async (sql: string, params?: unknown[]) =>
      (await session.run(`${sql} -- ${Math.random()}`, params)).rows;
    /** The table of the path `b` has a text as it is; through the types of the path `a` it would be another. */
    const arrives = async (code = "7") => {
      await add(code);
      expect(await fresh("select * from item")).toEqual([{ code, at: NOON }]);
    };

    beforeAll(async () => {
      database = await pgTarget.createDatabase();
      await database.observe(`
      create schema a;
      create schema b;
      create table a.item (code int, at timestamptz);
      create table b.item (code text, at text);
      create function public.go() returns text language plpgsql as
        $$ begin return set_config('search_path', coalesce(current_setting('test.place', true), ''), false); end $$;
      create function public.on_insert() returns trigger language plpgsql as
        $$ begin perform public.go(); return new; end $$;
      create procedure public.goes() language plpgsql as $$ begin perform public.go(); end $$;
      create function public.hide() returns int language plpgsql as
        $$ begin create temp table item (code text, at text); return 1; end $$;
      create table public.mover (x int);
      insert into public.mover values (1);
      create trigger moves after insert on public.mover for each row execute function public.on_insert();
      create view public.moving as select public.go() as gone;
      create function public.on_truncate() returns trigger language plpgsql as
        $$ begin perform public.go(); return null; end $$;
      create table public.emptied (x int);
      create trigger moves before truncate on public.emptied for each statement execute function public.on_truncate();
      create function public.on_event() returns event_trigger language plpgsql as
        $$ begin perform public.go(); end $$;
      create event trigger moves on ddl_command_end when tag in ('COMMENT', 'REVOKE') execute function public.on_event()`);
    });
    afterAll(() => database?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      session = await openSession(database.connectArgs as string, { int64: "number" });
      await session.run("delete from a.item");
      await session.run("delete from b.item");
      await session.run("set search_path = a, public");
    });

    const PATHS = { a: "a, public", b: "b, public" };
    type Place = keyof typeof PATHS;
    const MOVES: readonly (readonly [how: string, move: (to: Place) => Promise<unknown>])[] = [
      ["SET", (to) => session.run(`/* x */ set /* y */ "search_path" to ${PATHS[to]}`)],
      ["SET SCHEMA", (to) => session.run(`set schema '${to}'`)],
      ["set_config", (to) => session.run("select set_config('search_path', $1, false)", [PATHS[to]])],
      ["a function", (to) => go(to, "select go()")],
      ["a function in FROM", (to) => go(to, "select 1 as x from go() where true")],
      ["a quoted name", (to) => go(to, 'select "go" ()')],
      ["a qualified name", (to) => go(to, "select public . go ()")],
      ["a function behind comments", (to) => go(to, "select go /* ( /* */ */ -- lower\n ()")],
      ["a call behind a string", (to) => go(to, "select 'a''b(' as x, go() as y")],
      ["WITH", (to) => go(to, "with x as (select go()) select * from x")],
      ["an update", (to) => go(to, "update mover set x = length(go())")],
      ["a trigger", (to) => go(to, "insert into mover values (1)")],
      ["a view", (to) => go(to, "select * from moving")],
      ["a procedure", (to) => go(to, "call goes()")],
      ["a block", (to) => session.run(`do $$ begin set search_path = ${PATHS[to]}; end $$`)],
      ["EXPLAIN ANALYZE", (to) => go(to, "explain (analyze) select go()")],
      [
        "SQL's own PREPARE",
        async (to) => {
          await session.run("prepare p as select go()");
          await go(to, "execute p");
          await session.run("deallocate p");
        },
      ],
      [
        "executeMany",
        async (to) => {
          const inside = session.state === "in transaction";
          if (!inside) await session.begin({});
          await session.executeMany("select set_config('search_path', $1, false)", [[PATHS[to]]]);
          if (!inside) await session.commit();
        },
      ],
      [
        "a stream",
        async (to) => {
          const stream = session.stream(
            statement("select set_config('search_path', $1, false)", [PATHS[to]]),
            10,
          );
          for await (const rows of stream) expect(rows.length).toBe(1);
        },
      ],
      ["a view in a stream", (to) => goBy(to, () => drained("select * from moving"))],
      [
        "a trigger in a stream",
        (to) => goBy(to, () => drained("insert into mover values (1), (2) returning x", 1)),
      ],
      [
        "a trigger under executeMany",
        (to) =>
          goBy(to, async () => {
            const inside = session.state === "in transaction";
            if (!inside) await session.begin({});
            await session.executeMany("insert into mover values ($1)", [[1], [2]]);
            if (!inside) await session.commit();
          }),
      ],
      ["a trigger of TRUNCATE", (to) => go(to, "truncate emptied")],
      ["a trigger of COMMENT", (to) => go(to, "comment on table mover is 'x'")],
      ["a trigger of REVOKE", (to) => go(to, "revoke select on mover from public")],
      [
        "what cannot be read",
        (to) => goBy(to, () => failureOf(session.run("select *, 9007199254740993::int8 as x from moving"))),
      ],
      [
        "what cannot be read in a stream",
        (to) => goBy(to, () => failureOf(drained("select *, 9007199254740993::int8 as x from moving"))),
      ],
      ["a probe", (to) => session.ping(`set search_path = ${PATHS[to]}`)],
      [
        "`native`",
        (to) => (session.native as Client).query(`select set_config('search_path', '${PATHS[to]}', false)`),
      ],
    ];

    /** What goes there reads where to. */
    const goBy = async (to: Place, how: () => Promise<unknown>) => {
      await session.run(`set test.place = '${PATHS[to]}'`);
      await how();
    };
    const go = (to: Place, sql: string) => goBy(to, () => session.run(sql));
    /** What has been read of a stream that is left after its first batch, or read to its end. */
    const drained = async (sql: string, batches = Number.POSITIVE_INFINITY) => {
      for await (const _ of session.stream(statement(sql), 1)) if (--batches === 0) break;
    };

    describe.each(MOVES)("moved by %s", (_how, move) => {
      test("means the new table at once", async () => {
        await addOften();
        expect(await named()).toBe(1);
        await move("b");
        await arrives();
      });

      test("and the old one after a rollback", async () => {
        await move("b");
        await session.begin({});
        await move("a");
        await addOften();
        await session.rollback();
        await arrives();
      });

      test("and after a rollback to a savepoint", async () => {
        await move("b");
        await session.begin({});
        await session.run("savepoint s");
        await move("a");
        await addOften();
        await session.run("rollback to savepoint s");
        await arrives();
        await session.commit();
      });
    });

    test("means the table that the query of a cursor moves to, which COMMIT runs", async () => {
      await addOften();
      await session.run(`set test.place = '${PATHS.b}'`);
      await session.begin({});
      await session.run("declare c cursor with hold for select * from moving");
      await session.commit();
      await arrives();
    });

    test("means the old one after the end of SET LOCAL", async () => {
      await session.run("set search_path = b, public");
      await session.begin({});
      await session.run("set local search_path = a, public");
      await addOften();
      await session.commit();
      await arrives();
    });

    test("means the old one after the end of SET LOCAL and AND CHAIN", async () => {
      await session.run("set search_path = b, public");
      await session.begin({});
      await session.run("select set_config('search_path', 'a, public', true)");
      await addOften();
      await session.run("commit and chain");
      await arrives();
      await session.commit();
    });

    test.each(["reset search_path", "reset all", "discard all", "set search_path to default"])(
      "means the table of the role's own path after %s",
      async (sql) => {
        const name = new URL(database.connectArgs as string).pathname.slice(1);
        await database.observe(`alter database ${name} set search_path = b, public`);
        session = await openSession(database.connectArgs as string);
        await session.run("set search_path = a, public");
        await addOften();
        await session.run(sql);
        await arrives();
        await session.run("delete from item");
        await session.run("set search_path = a, public");
        await addOften();
        await session.reset();
        await arrives();
      },
    );

    test.each(["set role", "set session authorization"])(
      "means the user's own table after %s",
      async (sql) => {
        const role = `names_${process.pid}`;
        await database.observe(`create role ${role}; create schema authorization ${role}; grant all on schema a to ${role};
      create table ${role}.item (code text, at text); alter table ${role}.item owner to ${role}`);
        try {
          await session.run('set search_path = "$user", a, public');
          await addOften();
          await session.run(`${sql} ${role}`);
          await arrives();
        } finally {
          await database.observe(`drop owned by ${role}; drop role ${role}`);
        }
      },
    );

    const HIDES: readonly (readonly [how: string, hide: () => Promise<unknown>])[] = [
      ["a temporary table", () => session.run("create temp table item (code text, at text)")],
      ["CREATE TABLE AS", () => session.run("create temporary table item as select * from b.item")],
      ["SELECT INTO", () => session.run("select * into temp item from b.item")],
      ["a view", () => session.run("create temp view item as select * from b.item")],
      ["a function", () => session.run("select hide()")],
      ["a block", () => session.run("do $$ begin perform hide(); end $$")],
    ];

    test.each(HIDES)("means the table that %s hides it by", async (_how, hide) => {
      await session.run("create temp table other (x int)"); // temporary tables are nothing new to the session
      await addOften();
      expect(await named()).toBe(1);
      await hide();
      await arrives();
    });

    test.each(HIDES)("means the table again that %s had hidden", async (_how, hide) => {
      await session.run("set search_path = b, public");
      await session.begin({});
      await hide();
      await addOften();
      await session.rollback();
      await arrives();
    });

    test("means the table that ON COMMIT DROP and DISCARD uncover", async () => {
      await session.run("set search_path = b, public");
      await session.begin({});
      await session.run("create temp table item (code int, at timestamptz) on commit drop");
      await addOften();
      await session.commit();
      await arrives();
      await session.run("delete from item");
      await session.run("create temp table item (code int, at timestamptz)");
      await addOften();
      await session.run("discard temp");
      await arrives();
    });

    test("means the table that another session of this process puts in front", async () => {
      const other = await openSession(database.connectArgs as string);
      await session.run("create schema front");
      await session.run("set search_path = front, a, public");
      await addOften();
      await other.begin({});
      await other.run("create table front.item (code text, at text)");
      await other.commit();
      try {
        await arrives();
      } finally {
        await session.run("drop schema front cascade");
      }
    });

    test("keeps a number as it is written, whoever has altered the table", async () => {
      await session.run("create table a.code (code int)");
      try {
        const put = (code: unknown) => session.run("insert into code values ($1) returning code", [code]);
        for (const code of [1, "2", 3n, 4]) await put(code);
        await database.observe("alter table a.code alter code type text");
        for (const code of ["007", "+7", " 7", "7.0"]) expect((await put(code)).rows).toEqual([{ code }]);
      } finally {
        await session.run("drop table a.code");
      }
    });

    test("is a name still after what moves nothing", async () => {
      await addOften();
      for (const sql of [
        "set statement_timeout = 10000",
        "set local lock_timeout to 500",
        "set app.tenant = '5'",
        "select set_config('app.tenant', '6', false)",
        "select pg_size_pretty(5::bigint)",
        "insert into public.mover select 1 where false",
        "savepoint s",
        "explain select 1",
        "lock table b.item",
        "set constraints all deferred",
      ]) {
        await session.begin({});
        await session.run(sql);
        await session.commit();
        expect([sql, await named()]).toEqual([sql, 1]);
      }
    });

    test("is made of the text and the types", async () => {
      await addOften();
      const names = async () =>
        (await fresh("select name from pg_prepared_statements where statement = $1", [ADD])) as {
          name: string;
        }[];
      const [first] = await names();
      expect(first!.name).toMatch(/^adbapi_[\w-]{32}$/);
      await session.run("set search_path = b, public");
      await addOften();
      const [second] = await names();
      expect(second!.name).not.toBe(first!.name);
      await session.run("set search_path = a, public");
      await addOften();
      expect(await names()).toEqual([first]);
    });

    test("is for what is planned: never for BEGIN, COMMIT, ROLLBACK or SAVEPOINT", async () => {
      for (let run = 0; run < 5; run++) {
        for (const sql of ["begin", "savepoint s", "release s", "commit", "BEGIN", "/* x */ rollback"])
          await session.run(sql);
      }
      expect(
        await fresh(
          "select statement from pg_prepared_statements where name like 'adbapi%' and not from_sql and statement not like '%pg_backend_pid%'",
        ),
      ).toEqual([]);
    });

    test("that the server has lost is found again, or the transaction is to be run again", async () => {
      await database.observe(`create table public.loser (x int);
        create function public.lose() returns trigger language plpgsql as
          $$ begin if new.x > 4 then execute 'deallocate all'; end if; return new; end $$;
        create trigger loses after insert on public.loser for each row execute function public.lose()`);
      const put = (x: number) => session.run("insert into loser values ($1)", [x]);
      for (let x = 1; x < 5; x++) await put(x);
      await addOften();
      await put(5);
      await add();
      await addOften();
      await put(6);
      await session.beginWith({}, statement(ADD, ["7", NOON]));
      await session.commit();
      for (let x = 1; x < 5; x++) await put(x);
      await addOften();
      await session.begin({});
      await put(7);
      expect(await failureOf(add())).toMatchObject({ code: "26000", retryable: true });
      await session.run("rollback");
      await add();
      expect(await fresh("select count(*)::int as n from item")).toEqual([{ n: 15 }]);
      expect(await fresh("select count(*)::int as n from loser")).toEqual([{ n: 10 }]);
    });
  },
);
