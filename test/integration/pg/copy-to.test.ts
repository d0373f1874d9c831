/** COPY … TO STDOUT as a stream, and pg's own classes on `native`. */
import {
  CancelledError,
  type ConnectionPool,
  InterfaceError,
  NotSupportedError,
  ProgrammingError,
} from "adbapi";
import pg from "pg";
import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeEach, TARGETS, withPool } from "../../support/targets.js";

const ofPostgres = TARGETS.filter(({ server }) => server === "postgres");

async function textOf(pieces: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

describeEach(ofPostgres, (target) => {
  test("it gives what the server writes, byte by byte", () =>
    withPool(target, { max: 1 }, async (pool) => {
      expect(await textOf(pool.runCopyTo("copy (values (1, 'ä;b'), (2, null)) to stdout"))).toBe(
        "1\tä;b\n2\t\\N\n",
      );
      expect(await textOf(pool.runCopyTo("copy (select 1 where false) to stdout (format csv, header)"))).toBe(
        "?column?\n",
      );
      const rows = 200_000;
      const text = await textOf(
        pool.runCopyTo(`copy (select n, md5(n::text) from generate_series(1, ${rows}) n) to stdout`),
      );
      const [sum] = await pool.runQuery<{ md5: string }>(
        `select md5(string_agg(n || e'\\t' || md5(n::text) || e'\\n', '' order by n)) from generate_series(1, ${rows}) n`,
      );
      const { createHash } = await import("node:crypto");
      expect(createHash("md5").update(text).digest("hex")).toBe(sum!.md5);
    }));

  test("a value larger than what is read at a time comes whole", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const large = await textOf(
        pool.runCopyTo("copy (select repeat('x', 3000000) from generate_series(1, 2)) to stdout"),
      );
      expect(large.length).toBe(6_000_002);
    }));

  test("the server waits for a reader that takes its time, and is stopped when it leaves", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      const endless = "copy (select repeat('x', 1000) from generate_series(1, 100000000)) to stdout";
      const pieces = pool.runCopyTo(endless);
      let bytes = 0;
      for await (const piece of pieces) {
        bytes += piece.length;
        if (bytes > 1_000_000) break;
      }
      expect(bytes).toBeLessThan(50_000_000);
      const running =
        "select pid from pg_stat_activity where datname = current_database() and state = 'active' and query like 'copy%'";
      await eventually("stopped", async () => (await database.observe(running)).length, 0);
      expect(await pool.runQuery("select 1 as n")).toEqual([{ n: 1 }]);
    }));

  test("a signal ends it", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const stop = new AbortController();
      const pieces = pool.runCopyTo("copy (select pg_sleep(60)) to stdout", { signal: stop.signal });
      const first = pieces.next();
      setTimeout(() => stop.abort(), 100);
      await expect(first).rejects.toBeInstanceOf(CancelledError);
      expect(await pool.runQuery("select 1 as n")).toEqual([{ n: 1 }]);
    }));

  test("an error comes with its place, also behind data; what is no COPY TO is refused", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await expect(textOf(pool.runCopyTo("copy nowhere to stdout"))).rejects.toBeInstanceOf(ProgrammingError);
      const late =
        "copy (select 1 / (5000 - n), repeat('x', 200) from generate_series(1, 10000) n) to stdout";
      await expect(textOf(pool.runCopyTo(late))).rejects.toMatchObject({ sqlState: "22012", sql: late });
      for (const wrong of ["select 1", "drop table x"])
        await expect(textOf(pool.runCopyTo(wrong))).rejects.toBeInstanceOf(InterfaceError);
      await expect(textOf(pool.runCopyTo("copy (select 1) to stdout; select 2"))).rejects.toBeInstanceOf(
        ProgrammingError,
      );
      await pool.runOperation("create table t (n int)");
      await expect(textOf(pool.runCopyTo("copy t from stdin"))).rejects.toBeInstanceOf(NotSupportedError);
      await expect(pool.runOperation("copy t to stdout")).rejects.toThrow(/runCopyTo/);
      expect(await pool.runQuery("select 1 as n")).toEqual([{ n: 1 }]);
    }));

  test("with pipeline: 1, classes that pg knows only there work on native", () =>
    withPool(target, { max: 1, pipeline: 1 }, async (pool) => {
      const rows = await pool.runWithSession(async (session) => {
        const { native } = session as unknown as { native: pg.Client };
        expect((await native.query({ text: "select $1::int as n", values: [5] })).rows).toEqual([{ n: 5 }]);
        const query = native.query(new pg.Query("select generate_series(1, 3) as n"));
        const own: unknown[] = [];
        query.on("row", (row) => own.push(row));
        await new Promise((resolve, reject) => query.on("end", resolve).on("error", reject));
        expect(own).toHaveLength(3);
        const portal = new Portal("select generate_series(1, 5) as n", 2);
        native.query(portal);
        return portal.all;
      });
      expect(rows).toEqual(["1", "2", "3", "4", "5"]);
      expect(await pool.runQuery("select 1 as n")).toEqual([{ n: 1 }]);
    }));
});

/** What pg's types leave out of its connection. */
interface Wire {
  parse(query: object, more: boolean): void;
  bind(portal: object, more: boolean): void;
  execute(portal: object, more: boolean): void;
  flush(): void;
  sync(): void;
}

/** Reads a portal in batches, as pg-cursor does; it is no Query of pg's. */
class Portal implements pg.Submittable {
  readonly all: Promise<string[]>;
  readonly #sql: string;
  readonly #batch: number;
  readonly #rows: string[] = [];
  #connection!: Wire;
  #done!: (rows: string[]) => void;

  constructor(sql: string, batch: number) {
    this.#sql = sql;
    this.#batch = batch;
    this.all = new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  submit(connection: pg.Connection): void {
    this.#connection = connection as unknown as Wire;
    this.#connection.parse({ text: this.#sql, name: "", types: [] }, true);
    this.#connection.bind({ portal: "own", statement: "", values: [] }, true);
    this.#connection.execute({ portal: "own", rows: this.#batch }, true);
    this.#connection.flush();
  }

  handleDataRow({ fields }: { fields: string[] }): void {
    this.#rows.push(fields[0]!);
  }

  handlePortalSuspended(): void {
    this.#connection.execute({ portal: "own", rows: this.#batch }, true);
    this.#connection.flush();
  }

  handleCommandComplete(): void {
    this.#connection.sync();
  }

  handleReadyForQuery(): void {
    this.#done(this.#rows);
  }

  handleRowDescription(): void {}
  handleError(): void {}
}

describeEach(
  TARGETS.filter(({ server }) => server !== "postgres"),
  (target) => {
    test("a database without COPY says so", () =>
      withPool(target, { max: 1 }, async (pool: ConnectionPool) => {
        await expect(pool.runCopyTo("copy t to stdout").next()).rejects.toBeInstanceOf(NotSupportedError);
      }));
  },
);
