/** Kysely's own builder, migrator and introspector over a pool of each driver. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  CancelledError,
  NotNullViolation,
  StatementTimeout,
  TransactionAborted,
  UniqueViolation,
} from "adbapi";
import { AdbapiDialect, withSignal } from "adbapi/kysely";
import {
  CamelCasePlugin,
  type ColumnType,
  type Generated,
  Kysely,
  type KyselyConfig,
  type Migration,
  Migrator,
  sql,
  type Transaction,
} from "kysely";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import {
  describeEach,
  type PoolOptions,
  TARGETS,
  type Target,
  type UsePool,
  withPool,
} from "../support/targets.js";
import { WORLD } from "../support/world.js";

interface Schema {
  person: { id: Generated<number>; name: string; age: ColumnType<number | null, number | null | undefined> };
  pet: { id: Generated<number>; owner: number; name: string };
}

type Db = Kysely<Schema>;

/** The schema, in steps. */
function migrations(target: Target): Record<string, Migration> {
  const id = sql.raw(target.types.id);
  return {
    "001_person": {
      async up(db: Kysely<unknown>) {
        await db.schema
          .createTable("person")
          .addColumn("id", id as never)
          .addColumn("name", "varchar(40)", (column) => column.notNull().unique())
          .addColumn("age", "integer")
          .execute();
      },
      async down(db: Kysely<unknown>) {
        await db.schema.dropTable("person").execute();
      },
    },
    "002_pet": {
      async up(db: Kysely<unknown>) {
        await db.schema
          .createTable("pet")
          .addColumn("id", id as never)
          .addColumn("owner", "bigint", (column) => column.notNull())
          .addColumn("name", "varchar(40)", (column) => column.notNull())
          .execute();
        await db.schema.createIndex("pet_owner").on("pet").column("owner").execute();
      },
      async down(db: Kysely<unknown>) {
        await db.schema.dropTable("pet").execute();
      },
    },
  };
}

function migratorOf(db: Kysely<never> | Db, list: Record<string, Migration>): Migrator {
  return new Migrator({ db: db as Db, provider: { getMigrations: async () => list } });
}

/** A Kysely on an empty database, with the schema when it is asked for. */
async function withDb(
  target: Target,
  options: PoolOptions & { readonly migrate?: boolean; readonly log?: KyselyConfig["log"] },
  use: (db: Db, ...rest: Parameters<UsePool<void>>) => Promise<void>,
): Promise<void> {
  const { migrate = true, log, ...poolOptions } = options;
  await withPool(target, poolOptions, async (pool, database) => {
    const db = new Kysely<Schema>({ dialect: new AdbapiDialect({ pool }), ...(log && { log }) });
    if (migrate) {
      const { error } = await migratorOf(db, migrations(target)).migrateToLatest();
      if (error !== undefined) throw error;
    }
    await use(db, pool, database);
  });
}

/** Without that of the neighbour, who writes to files of SQLite in some worlds. */
async function tablesOf(db: Pick<Db, "introspection">): Promise<string[]> {
  return (await db.introspection.getTables()).map(({ name }) => name).filter((name) => name !== "neighbour");
}

async function addPeople(db: Db, names: readonly string[]): Promise<void> {
  await db
    .insertInto("person")
    .values(names.map((name, index) => ({ name, age: 20 + index })))
    .execute();
}

const namesIn = async (db: Db) =>
  (await db.selectFrom("person").select("name").orderBy("name").execute()).map(({ name }) => name);

describeEach(TARGETS, (target) => {
  test("a raw text of several statements runs as a script, as migrations have them", async () => {
    await withDb(target, {}, async (db) => {
      const inserts =
        "insert into person (name) values ('a;b');\ninsert into person (name) values ('c');\n-- end";
      expect(await sql.raw(inserts).execute(db)).toEqual({ rows: [] });
      expect(await namesIn(db)).toEqual(["a;b", "c"]);
      expect((await sql`select 'a;b' as v`.execute(db)).rows).toEqual([{ v: "a;b" }]);
      const torn = db.transaction().execute(async (trx) => {
        await sql.raw(inserts.replace("a;b", "d").replace("'c'", "'e'")).execute(trx);
        expect(await namesIn(trx)).toHaveLength(4);
        await sql.raw("insert into person (name) values ('f'); selekt 1").execute(trx);
      });
      await expect(torn).rejects.toMatchObject({ statementNumber: 2 });
      expect(await namesIn(db)).toEqual(["a;b", "c"]);
    });
  });

  test("the builder: insert, select, join, update, delete, with numbers of rows", async () => {
    await withDb(target, {}, async (db) => {
      await addPeople(db, ["Ada", "Bob", "Cyd"]);
      const inserted = await db.insertInto("person").values({ name: "Dee" }).executeTakeFirstOrThrow();
      expect(inserted.numInsertedOrUpdatedRows).toBe(1n);
      expect(inserted.insertId).toBe(target.lastInsertId ? 4n : undefined);
      const ada = await db
        .selectFrom("person")
        .selectAll()
        .where("name", "=", "Ada")
        .executeTakeFirstOrThrow();
      expect(ada).toMatchObject({ name: "Ada", age: 20 });
      await db.insertInto("pet").values({ owner: ada.id, name: "Rex" }).execute();
      const owners = await db
        .selectFrom("person")
        .innerJoin("pet", "pet.owner", "person.id")
        .select(["person.name as owner", "pet.name as pet"])
        .execute();
      expect(owners).toEqual([{ owner: "Ada", pet: "Rex" }]);
      const updated = await db
        .updateTable("person")
        .set({ age: 50 })
        .where("age", ">", 20)
        .executeTakeFirst();
      expect(updated.numUpdatedRows).toBe(2n);
      const deleted = await db.deleteFrom("person").where("age", "=", 50).executeTakeFirst();
      expect(deleted.numDeletedRows).toBe(2n);
      expect(await namesIn(db)).toEqual(["Ada", "Dee"]);
      expect((await sql`insert into person (name) values ('Eve')`.execute(db)).numAffectedRows).toBe(1n);
      expect((await sql`select name from person`.execute(db)).numAffectedRows).toBeUndefined();
      const commented = await sql`/* * / */ -- one
 insert into person (name) values ('Fay')`.execute(db);
      expect(commented.numAffectedRows).toBe(1n);
      expect(commented.insertId !== undefined).toBe(target.lastInsertId);
      const reading = sql`with c as (select 1 as n) /* ) */ select replace('insert', 'a', 'b') from c`;
      expect((await reading.execute(db)).numAffectedRows).toBeUndefined();
      if (target.paramstyle !== "numeric" && !target.singleWriter) return; // not every server has WITH before DELETE
      const common = sql`with c as (select 'Fay' as name) delete from person where name in (select name from c)`;
      expect((await common.execute(db)).numAffectedRows).toBe(1n);
    });
  });

  test.runIf(new Set(["numeric"]).has(target.paramstyle) || target.singleWriter)("returning", async () => {
    await withDb(target, {}, async (db) => {
      const row = await db
        .insertInto("person")
        .values({ name: "Ada" })
        .returning(["name", "age"])
        .executeTakeFirstOrThrow();
      expect(row).toEqual({ name: "Ada", age: null });
    });
  });

  test("single statements hold no connection, and share what there is", async () => {
    await withDb(target, { max: 1 }, async (db, pool) => {
      await addPeople(db, ["Ada"]);
      const before = pool.stats.statements;
      await Promise.all(Array.from({ length: 50 }, () => namesIn(db)));
      expect(pool.stats.statements).toBe(before + 50);
    });
  });

  test("nor do the first ones, which wait for Kysely to begin", async () => {
    await withDb(target, { max: 2, migrate: false }, async (db) => {
      const sessions: unknown[] = [];
      const note = (trace: unknown) => sessions.push(trace);
      subscribe("tracing:adbapi:interaction:start", note);
      await Promise.all(Array.from({ length: 5 }, () => sql`select 1 as n`.execute(db)));
      unsubscribe("tracing:adbapi:interaction:start", note);
      expect(sessions).toEqual([]);
    });
  });

  describe("transactions", () => {
    test("commit, and rollback with the caller's own error", async () => {
      await withDb(target, {}, async (db, _, database) => {
        const seen = await db.transaction().execute(async (trx) => {
          await addPeople(trx, ["Ada"]);
          expect(await database.observe("select name from person")).toEqual([]);
          return namesIn(trx);
        });
        expect(seen).toEqual(["Ada"]);
        const failing = db.transaction().execute(async (trx) => {
          await addPeople(trx, ["Bob"]);
          throw new RangeError("of the caller");
        });
        await expect(failing).rejects.toThrow(RangeError);
        expect(await database.observe("select name from person")).toEqual([{ name: "Ada" }]);
      });
    });

    test.each(target.isolationLevels)("isolation %s", async (level) => {
      await withDb(target, {}, async (db) => {
        await db
          .transaction()
          .setIsolationLevel(level)
          .execute(async (trx) => {
            if (target.paramstyle !== "numeric") return void (await namesIn(trx));
            const { rows } = await sql`show transaction isolation level`.execute(trx);
            expect(rows).toEqual([{ transaction_isolation: level }]);
          });
      });
    });

    test("read only refuses to write", async () => {
      await withDb(target, {}, async (db) => {
        await addPeople(db, ["Ada"]);
        const reading = db.transaction().setAccessMode("read only");
        expect(await reading.execute((trx) => namesIn(trx))).toEqual(["Ada"]);
        await expect(reading.execute((trx) => addPeople(trx, ["Bob"]))).rejects.toThrow(/read.only/i);
        await addPeople(db, ["Cyd"]);
        expect(await namesIn(db)).toEqual(["Ada", "Cyd"]);
      });
    });

    test("an isolation level that only SQL Server has is refused", async () => {
      await withDb(target, {}, async (db) => {
        const work = db.transaction().setIsolationLevel("snapshot").execute(namesIn);
        await expect(work).rejects.toThrow("repeatable read");
      });
    });

    test("controlled, with savepoints", async () => {
      await withDb(target, {}, async (db, pool) => {
        const trx = await db.startTransaction().execute();
        await addPeople(trx, ["Ada"]);
        const saved = await trx.savepoint("before_bob").execute();
        await addPeople(saved, ["Bob"]);
        await expect(addPeople(saved, ["Bob"])).rejects.toThrow(UniqueViolation);
        await saved.rollbackToSavepoint("before_bob").execute();
        await addPeople(saved, ["Cyd"]);
        await saved.releaseSavepoint("before_bob").execute();
        expect(pool.stats.inUse).toBe(1);
        await trx.commit().execute();
        await eventually("in use", () => pool.stats.inUse, 0);
        expect(await namesIn(db)).toEqual(["Ada", "Cyd"]);
        const second = await db.startTransaction().execute();
        await addPeople(second, ["Dee"]);
        await second.rollback().execute();
        expect(await namesIn(db)).toEqual(["Ada", "Cyd"]);
      });
    });

    test("one that the caller's SQL has ended says so, and nothing more runs", async () => {
      await withDb(target, {}, async (db) => {
        const work = db.transaction().execute(async (trx) => {
          await addPeople(trx, ["Ada"]);
          await sql`rollback`.execute(trx);
          await addPeople(trx, ["Bob"]);
        });
        await expect(work).rejects.toThrow(TransactionAborted);
        expect(await namesIn(db)).toEqual([]);
      });
    });
  });

  test("its log sees transactions and savepoints in the words of Kysely's own dialects", async () => {
    const logged: string[] = [];
    const log: KyselyConfig["log"] = ({ level, query }) =>
      void logged.push(level === "query" ? query.sql.replaceAll("`", '"') : level);
    await withDb(target, { log }, async (db, pool) => {
      logged.length = 0;
      await db.transaction().execute((trx) => sql`select 1`.execute(trx));
      const trx = await db.startTransaction().execute();
      const first = await trx.savepoint("first").execute();
      await (await first.rollbackToSavepoint("first").execute()).releaseSavepoint("first").execute();
      await trx.rollback().execute();
      const leveled = db
        .transaction()
        .setIsolationLevel("serializable")
        .execute(async () => Promise.reject(new Error("no")));
      await expect(leveled).rejects.toThrow("no");
      expect(logged).toEqual([
        ...["begin", "select 1", "commit", "begin"],
        ...['savepoint "first"', 'rollback to "first"'],
        `${pool.dialect === "mysql" ? "release savepoint" : "release"} "first"`,
        "rollback",
        ...{
          postgres: ["start transaction isolation level serializable"],
          mysql: ["set transaction isolation level serializable", "begin"],
          sqlite: ["begin"],
        }[pool.dialect!],
        "rollback",
      ]);
    });
  });

  // mysql2 takes it from the server's words, and knows them in English.
  const told = target.name === "mysql2" && WORLD.mysql.lc_messages === undefined;
  test.runIf(told)("an UPDATE says how many rows it really changed", () =>
    withDb(target, {}, async (db) => {
      await addPeople(db, ["Ada", "Bob"]);
      const update = (age: number) => db.updateTable("person").set({ age }).executeTakeFirstOrThrow();
      expect(await update(7)).toMatchObject({ numUpdatedRows: 2n, numChangedRows: 2n });
      expect(await update(7)).toMatchObject({ numUpdatedRows: 2n, numChangedRows: 0n });
    }),
  );

  test("errors have our classes, and name the SQL", async () => {
    await withDb(target, {}, async (db) => {
      await addPeople(db, ["Ada"]);
      await expect(addPeople(db, ["Ada"])).rejects.toThrow(UniqueViolation);
      const nameless = db.insertInto("person").values({ name: null as never });
      const error = await nameless.execute().catch((reason) => reason);
      expect(error).toBeInstanceOf(NotNullViolation);
      expect(error.sql).toMatch(/^insert into/);
    });
  });

  describe("db.connection()", () => {
    test.runIf(target.ownSessions)("is one session, whose settings do not outlast it", async () => {
      await withDb(target, { max: 2 }, async (db, pool) => {
        await addPeople(db, ["Ada"]);
        const temporary = sql`create temporary table mine (n integer)`;
        await db.connection().execute(async (own) => {
          await temporary.execute(own);
          await sql`insert into mine values (7)`.execute(own);
          await namesIn(db); // another's statement does not come in between
          expect((await sql`select n from mine`.execute(own)).rows).toEqual([{ n: 7 }]);
          await own.transaction().execute((trx) => addPeople(trx, ["Bob"]));
          expect(pool.stats.inUse).toBe(1);
        });
        await db.connection().execute((own) => temporary.execute(own));
        expect(await namesIn(db)).toEqual(["Ada", "Bob"]);
      });
    });

    test("statements commit by themselves; a transaction left open is rolled back", async () => {
      await withDb(target, {}, async (db, _, database) => {
        await db.connection().execute(async (own) => {
          await addPeople(own, ["Ada"]);
          expect(await database.observe("select name from person")).toEqual([{ name: "Ada" }]);
          if (target.server === undefined) {
            await expect(sql`begin`.execute(own)).rejects.toThrow("rolled back");
            return;
          }
          await sql`begin`.execute(own);
          await addPeople(own, ["Bob"]);
        });
        expect(await namesIn(db)).toEqual(["Ada"]);
      });
    });
  });

  describe("streams", () => {
    const MANY = Array.from({ length: 1_000 }, (_, index) => `person ${String(index).padStart(4, "0")}`);

    test("give every row in order, alone and in a transaction", async () => {
      await withDb(target, {}, async (db) => {
        await addPeople(db, MANY);
        const read = async (from: Db | Transaction<Schema>, chunk?: number) => {
          const names: string[] = [];
          for await (const { name } of from
            .selectFrom("person")
            .select("name")
            .orderBy("name")
            .stream(chunk)) {
            names.push(name);
          }
          return names;
        };
        expect(await read(db)).toEqual(MANY);
        expect(await read(db, 7)).toEqual(MANY);
        expect(await db.transaction().execute((trx) => read(trx))).toEqual(MANY);
      });
    });

    test("are left early, and hand the connection on", async () => {
      await withDb(target, { max: 1 }, async (db, pool) => {
        await addPeople(db, MANY);
        for await (const _ of db.selectFrom("person").selectAll().stream(10)) break;
        await eventually("in use", () => pool.stats.inUse, 0);
        expect(await db.selectFrom("person").select("id").limit(1).execute()).toHaveLength(1);
      });
    });
  });

  describe("withSignal", () => {
    const endless = (db: Db) => sql.raw(target.endlessSql).execute(db);

    test("stops a statement at the server", async () => {
      await withDb(target, { max: 1 }, async (db) => {
        const controller = new AbortController();
        const running = endless(withSignal(db, controller.signal)).catch((error) => error);
        setTimeout(() => controller.abort(new RangeError("enough")), 50);
        const error = await running;
        expect(error).toBeInstanceOf(CancelledError);
        expect(error.cause).toMatchObject({ message: "enough" });
        expect(await namesIn(db)).toEqual([]);
      });
    });

    test("stops a statement of a transaction, which is rolled back", async () => {
      await withDb(target, { max: 1 }, async (db) => {
        const controller = new AbortController();
        const work = db.transaction().execute(async (trx) => {
          await addPeople(trx, ["Ada"]);
          setTimeout(() => controller.abort(), 50);
          await endless(withSignal(trx, controller.signal));
        });
        await expect(work).rejects.toThrow(CancelledError);
        expect(await namesIn(db)).toEqual([]);
      });
    });

    test("a constant of sql has the signal of each run, and none on the plain database", async () => {
      await withDb(target, { max: 2 }, async (db) => {
        const [first, second] = [new AbortController(), new AbortController()];
        const report = sql.raw<{ n: unknown }>(target.endlessSql);
        const under = (signal: AbortSignal) => report.execute(withSignal(db, signal)).catch((error) => error);
        const running = [under(first.signal), under(second.signal)];
        setTimeout(() => first.abort("first"), 50);
        expect(await running[0]).toMatchObject({ name: "CancelledError", cause: "first" });
        setTimeout(() => second.abort("second"), 50);
        expect(await running[1]).toMatchObject({ name: "CancelledError", cause: "second" });

        const constant = sql<{ n: number }>`select 1 as n`;
        const both = withSignal(withSignal(db, new AbortController().signal), first.signal);
        await expect(constant.execute(both)).rejects.toThrow(CancelledError);
        await expect(constant.execute(both.withPlugin(new CamelCasePlugin()))).rejects.toThrow(
          CancelledError,
        );
        expect((await constant.execute(db)).rows).toHaveLength(1);
      });
    });

    test.each([
      ["a transaction", (db: Db, use: (own: Db) => Promise<void>) => db.transaction().execute(use)],
      ["db.connection()", (db: Db, use: (own: Db) => Promise<void>) => db.connection().execute(use)],
    ])("withdraws %s that waits for a connection, which may ask again", async (_, own) => {
      await withDb(target, { max: 1, acquireTimeoutMillis: 60_000 }, async (db, pool) => {
        const controller = new AbortController();
        let letGo = () => {};
        const holding = pool.runWithConnection(() => new Promise<void>((done) => (letGo = done)));
        await eventually("in use", () => pool.stats.inUse, 1);
        const work = own(db, async (mine) => {
          const impatient = withSignal(mine, controller.signal);
          const error = await addPeople(impatient, ["Ada"]).catch((reason) => reason);
          expect(error).toMatchObject({ name: "CancelledError", cause: "enough", outcome: "not sent" });
          await expect(namesIn(impatient)).rejects.toThrow(CancelledError);
          expect(pool.stats.waiting).toBe(0);
          letGo();
          await addPeople(mine, ["Bob"]);
        });
        await eventually("waiting", () => pool.stats.waiting, 1);
        controller.abort("enough");
        await work;
        await holding;
        expect(await namesIn(db)).toEqual(["Bob"]);
      });
    });

    test("harms no transaction once its statement is done", async () => {
      await withDb(target, {}, async (db) => {
        const controller = new AbortController();
        await db.transaction().execute(async (trx) => {
          await addPeople(withSignal(trx, controller.signal), ["Ada"]);
          controller.abort();
          await addPeople(trx, ["Bob"]);
        });
        expect(await namesIn(db)).toEqual(["Ada", "Bob"]);
      });
    });

    test("as does a signal of Kysely's, in versions that have them: what waited never runs", async () => {
      await withDb(target, { max: 1 }, async (db, pool) => {
        const controller = new AbortController();
        let letGo = () => {};
        const holding = pool.runWithConnection(() => new Promise<void>((done) => (letGo = done)));
        await eventually("in use", () => pool.stats.inUse, 1);
        const driver = new AdbapiDialect({ pool }).createDriver();
        const own = await driver.acquireConnection();
        const insert = db.insertInto("person").values({ name: "Ada" }).compile();
        // What Kysely 0.29 hands over.
        const execute = own.executeQuery as (...args: unknown[]) => Promise<unknown>;
        const running = execute.call(own, insert, { signal: controller.signal }).catch((error) => error);
        await eventually("waiting", () => pool.stats.waiting, 1);
        controller.abort();
        expect(await running).toBeInstanceOf(CancelledError);
        letGo();
        await holding;
        await driver.releaseConnection(own);
        expect(await namesIn(db)).toEqual([]);
      });
    });

    test("the pool's own timeout holds too", async () => {
      await withDb(target, { max: 1 }, async (_, pool) => {
        const slow = new Kysely<Schema>({ dialect: new AdbapiDialect({ pool }) });
        const running = pool.runQuery(target.endlessSql, undefined, { timeoutMillis: 50 });
        await expect(running).rejects.toThrow(StatementTimeout);
        expect(await namesIn(slow)).toEqual([]);
      });
    });
  });

  describe("migrator and introspector", () => {
    test("up, down and up again", async () => {
      await withDb(target, { migrate: false }, async (db) => {
        const migrator = migratorOf(db, migrations(target));
        const up = await migrator.migrateToLatest();
        expect(up.results?.map(({ migrationName, status }) => [migrationName, status])).toEqual([
          ["001_person", "Success"],
          ["002_pet", "Success"],
        ]);
        await addPeople(db, ["Ada"]);
        expect((await migrator.migrateDown()).error).toBeUndefined();
        expect(await tablesOf(db)).toEqual(["person"]);
        expect((await migrator.migrateToLatest()).results).toHaveLength(1);
        const [person] = (await db.introspection.getTables()).filter(({ name }) => name === "person");
        expect(person?.columns.map(({ name, isNullable }) => [name, isNullable])).toEqual([
          ["id", target.singleWriter],
          ["name", false],
          ["age", true],
        ]);
      });
    });

    // Each has a session of its own, and one of them asks for another.
    test.runIf(target.mostSessions >= 4)("many migrators at once: each step runs once", async () => {
      await withDb(target, { migrate: false, max: 4 }, async (db) => {
        let runs = 0;
        const list = migrations(target);
        const counted: Record<string, Migration> = {
          ...list,
          "003_person": {
            async up(trx: Kysely<unknown>) {
              runs++;
              await addPeople(trx as Db, ["Ada"]);
            },
          },
        };
        const all = await Promise.all(
          Array.from({ length: 3 }, () => migratorOf(db, counted).migrateToLatest()),
        );
        expect(all.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
        expect(runs).toBe(1);
        expect(await namesIn(db)).toEqual(["Ada"]);
      });
    });

    test.runIf(!target.implicitCommitOnDdl)("a step that fails leaves nothing behind", async () => {
      await withDb(target, { migrate: false }, async (db) => {
        const failing: Migration = {
          async up() {
            throw new Error("of the migration");
          },
        };
        const migrator = migratorOf(db, { ...migrations(target), "003_fails": failing });
        const { error } = await migrator.migrateToLatest();
        expect(error).toMatchObject({ message: "of the migration" });
        expect(await tablesOf(db)).toEqual([]);
      });
    });
  });

  test("the log hears of statements and of errors", async () => {
    const heard: string[] = [];
    const log = (event: { level: string; query: { sql: string } }) => {
      if (event.query.sql.includes("person")) heard.push(event.level);
    };
    await withDb(target, { log }, async (db) => {
      heard.length = 0;
      await addPeople(db, ["Ada"]);
      await addPeople(db, ["Ada"]).catch(() => {});
      expect(heard).toEqual(["query", "error"]);
    });
  });

  test("destroy closes the pool", async () => {
    await withDb(target, {}, async (db, pool) => {
      await db.destroy();
      expect(pool.closed).toBe(true);
    });
  });
});
