/**
 * F32, F29: why a session ended, or could not begin, is in the error of the work that it hit; and what is known of that
 * work.
 */
import { ConnectionLost, ConnectionPool, OperationalError } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { freePort } from "../support/free-port.js";
import { describeEach, SERVER_TARGETS, TARGETS, type Target } from "../support/targets.js";
import { withFaults } from "../support/with-faults.js";
import { failureOf, ids, untilRunning, withItems } from "./statement-facts.js";

/** What the server says of a session that an administrator ends: MySQL and MariaDB hang up without a word. */
const reasonOf = (target: Target) =>
  target.server === "postgres"
    ? { code: "57P01", sqlState: "57P01", message: expect.stringContaining("administrator command") }
    : { code: expect.any(String), sqlState: "08S01", message: expect.stringContaining("closed it") };

describeEach(SERVER_TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");
  const sleeping = target.sleepSql!(10);

  test.each(["a statement", "a stream", "executeMany", "COMMIT"])(
    "F32 ended between two statements of a transaction, found out by %s: not applied, and why",
    (verb) =>
      withItems(target, { max: 1 }, async (pool, database) => {
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(insert, [10]);
          await database.killSessions();
          await eventually("losses", () => pool.stats.losses, 1);
          if (verb === "a statement") await transaction.runQuery("select 1");
          else if (verb === "a stream") await transaction.runStream("select 1").next();
          else if (verb === "executeMany") await transaction.executeMany(insert, [[11], [12]]);
        });
        const error = await failureOf(work);
        expect(error).toBeInstanceOf(ConnectionLost);
        expect(error).toMatchObject({ ...reasonOf(target), outcome: "not applied", retryable: true });
        expect(error.cause).toBeInstanceOf(Error);
        expect(await ids(database)).toEqual([1, 2, 3]);
      }),
  );

  test("F32 ended after a commit of the caller's own: unknown, and not to be done again", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      let runs = 0;
      const work = pool.runWithConnection({ retries: 3 }, async (connection) => {
        runs++;
        await connection.cursor().execute(insert, [10]);
        await connection.commit();
        await database.killSessions();
        await eventually("losses", () => pool.stats.losses, 1);
        await connection.cursor().execute(insert, [11]);
      });
      expect(await failureOf(work)).toMatchObject({ outcome: "unknown", retryable: false });
      expect(runs).toBe(1);
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
    }));

  test("F32 what comes after a loss that was swallowed says why, too", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        const lost = failureOf(transaction.runQuery(sleeping));
        await untilRunning(target, pool, database);
        await database.killSessions();
        await lost;
      });
      const { message: _, ...reason } = reasonOf(target);
      expect(await failureOf(work)).toMatchObject({ ...reason, outcome: "not applied" });
    }));

  test.each(["a statement", "a stream", "an interaction", "nothing"])(
    "F5 stats.losses has counted a session that was killed under %s by the time that its caller hears",
    (what) =>
      withItems(target, { max: 1 }, async (pool, database) => {
        const before = pool.stats.losses;
        const runs: Readonly<Record<string, () => Promise<unknown>>> = {
          "a statement": () => failureOf(pool.runQuery(sleeping)),
          "a stream": () => failureOf(pool.runStream(sleeping).next()),
          "an interaction": () => failureOf(pool.runInteraction((t) => t.runQuery(sleeping))),
        };
        const work = runs[what]?.();
        if (work !== undefined) await untilRunning(target, pool, database);
        await database.killSessions();
        if (work === undefined) await eventually("losses", () => pool.stats.losses, before + 1);
        await work;
        expect(pool.stats.losses).toBe(before + 1);
        // What the pool itself ends is no loss.
        await pool.close();
        expect(pool.stats.losses).toBe(before + 1);
      }),
  );

  test("F32 a proxy hangs up without a word between two statements: not applied, and it says who closed it", () =>
    withFaults(target, { max: 1 }, async ({ pool, forwarder }) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1");
        forwarder.hangUp();
        await eventually("losses", () => pool.stats.losses, 1);
        await transaction.runQuery("select 2");
      });
      const error = await failureOf(work);
      expect(error).toMatchObject({ name: "ConnectionLost", outcome: "not applied", retryable: true });
      expect(error.message).toContain("the server, or what stands before it, closed it");
    }));

  test.each(["between two statements", "under a statement"])(
    "F32 the server's own last word %s is kept",
    (when) =>
      withFaults(target, { max: 1 }, async ({ pool, database, forwarder }) => {
        const [bytes, code, sqlState] = lastWord(target);
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runQuery("select 1");
          const statement = when === "under a statement" && failureOf(transaction.runQuery(sleeping));
          if (statement) await untilRunning(target, pool, database);
          for (const { client } of forwarder.links) client.end(bytes);
          await eventually("losses", () => pool.stats.losses, 1);
          throw statement ? await statement : await failureOf(transaction.runQuery("select 2"));
        });
        const error = await failureOf(work);
        expect(error).toMatchObject({
          name: "ConnectionLost",
          code,
          outcome: "not applied",
          retryable: true,
        });
        if (sqlState !== undefined) expect(error).toHaveProperty("sqlState", sqlState);
        expect(error.message).toContain("the last word");
      }),
  );

  test("F29 a connect that failed was not sent, and can be done again; retries wait for the server", () =>
    withFaults(target, { min: 0, max: 1 }, async ({ pool, forwarder }) => {
      forwarder.refuse();
      const refused = { code: "ECONNREFUSED", retryable: true, outcome: "not sent" };
      for (const error of [
        await failureOf(pool.runQuery("select 1")),
        await failureOf(pool.runOperation("select 1")),
        await failureOf(pool.runStream("select 1").next()),
        await failureOf(pool.runInteraction((transaction) => transaction.runQuery("select 1"))),
        await failureOf(pool.runWithConnection((connection) => connection.cursor().execute("select 1"))),
      ]) {
        expect(error).toBeInstanceOf(OperationalError);
        expect(error).toMatchObject(refused);
      }
      const work = pool.runInteraction({ retries: 100 }, (transaction) =>
        transaction.runQuery("select 7 as v"),
      );
      await eventually("retries", () => pool.stats.retries >= 2, true);
      await forwarder.accept();
      expect(await work).toEqual([{ v: 7 }]);
    }));

  test("F29 retries of an interaction come to an end where nobody listens", async () => {
    const port = await freePort();
    const scheme = target.server === "postgres" ? "postgres" : target.name === "mysql2" ? "mysql" : "mariadb";
    await using pool = ConnectionPool.fromUrl(`${scheme}://nobody@127.0.0.1:${port}/nowhere`, { min: 0 });
    let runs = 0;
    const work = pool.runInteraction({ retries: 2 }, async () => void runs++);
    expect(await failureOf(work)).toMatchObject({ code: "ECONNREFUSED", outcome: "not sent" });
    expect([runs, pool.stats.retries]).toEqual([0, 2]);
  });
});

describeEach(TARGETS, (target) => {
  test("F29 no connection in time was not sent, and retries cover it", () =>
    withItems(target, { max: 1, acquireTimeoutMillis: 2_000 }, async (pool, database) => {
      const insert = target.sql("insert into items values (?, 'new')");
      let first: Error | undefined;
      await pool
        .runInteraction(async () => {
          first = await failureOf(
            pool.runInteraction((transaction) => transaction.runOperation(insert, [10])),
          );
          const patient = pool.runInteraction({ retries: 100 }, (transaction) =>
            transaction.runOperation(insert, [11]),
          );
          await eventually("retries", () => pool.stats.retries >= 1, true);
          return { patient };
        })
        .then(({ patient }) => patient);
      expect(first).toMatchObject({ name: "PoolTimeout", retryable: true, outcome: "not sent" });
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));
});

/**
 * What a server says, unasked or in the place of an answer, before it hangs up: the bytes, the code, and SQLSTATE where
 * the package hands it on.
 */
function lastWord(target: Target): [Buffer, string, string | undefined] {
  if (target.server === "postgres") {
    const fields = Buffer.from("SFATAL\0VFATAL\0C57P05\0Mthe last word\0\0");
    const head = Buffer.alloc(5);
    head.write("E");
    head.writeInt32BE(fields.length + 4, 1);
    return [Buffer.concat([head, fields]), "57P05", "57P05"];
  }
  const packet = Buffer.from("????\xff??#70100the last word", "latin1");
  packet.writeUIntLE(packet.length - 4, 0, 3);
  packet[3] = 1; // the number that an answer has; nobody asks for that of what comes unasked
  packet.writeUInt16LE(1927, 5);
  return [packet, "ER_CONNECTION_KILLED", undefined];
}
