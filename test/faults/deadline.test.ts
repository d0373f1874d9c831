/**
 * F27: no packet comes through any more. A deadline is answered all the same, long before the session is given up,
 * which no place is lost by.
 */
import { ConnectionPool, type StatementOptions } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { describeEach, SERVER_TARGETS, type Target } from "../support/targets.js";
import { withFaults } from "../support/with-faults.js";
import { withScripted } from "../support/with-scripted.js";
import { failureOf } from "./statement-facts.js";

const LIMIT = { timeoutMillis: 100 };

interface Work {
  readonly name: string;
  /** What is known of it, though the server says nothing more. */
  readonly outcome: string;
  run(place: Place): PromiseLike<unknown>;
}

interface Place {
  readonly pool: ConnectionPool;
  readonly stall: () => void;
  readonly target: Target;
  readonly limit: { readonly timeoutMillis: number };
}

/** More rows than travel at once. */
const rows = (target: Target) =>
  target.server === "postgres" ? "select generate_series(1, 100000)" : "select seq from seq_1_to_5000000";
const insert = (target: Target) => target.sql("insert into stalled values (?)");

const WORKS: readonly Work[] = [
  ...(["runQuery", "runOperation", "runStatement"] as const).map((name) => ({
    name,
    outcome: "unknown",
    run({ pool, stall, limit }: Place) {
      stall();
      if (name === "runQuery") return pool.runQuery("select 2", [], limit);
      if (name === "runOperation") return pool.runOperation("select 2", [], limit);
      return pool.runStatement("select 2", [], limit);
    },
  })),
  {
    name: "runQuery with params",
    outcome: "unknown",
    run({ pool, stall, target, limit }) {
      stall();
      return pool.runQuery(target.sql("select ?"), ["2"], limit);
    },
  },
  {
    name: "an interaction in BEGIN",
    outcome: "not applied",
    run({ pool, stall, limit }) {
      stall();
      return pool.runInteraction(limit, (transaction) => transaction.runQuery("select 2"));
    },
  },
  {
    name: "an interaction in a statement",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction(limit, async (transaction) => {
        await transaction.runQuery("select 1");
        stall();
        await transaction.runQuery("select 2");
      }),
  },
  {
    name: "an interaction in COMMIT",
    outcome: "unknown",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction(limit, async (transaction) => {
        await transaction.runQuery("select 1");
        stall();
      }),
  },
  {
    name: "an interaction in ROLLBACK",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction(limit, async (transaction) => {
        await transaction.runQuery("select 1");
        stall();
        throw new Error("of its own");
      }),
  },
  {
    name: "a statement of an interaction, and so the interaction",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1");
        stall();
        await transaction.runQuery("select 2", [], limit);
      }),
  },
  {
    name: "the first statement of an interaction, behind BEGIN",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction(async (transaction) => {
        stall();
        await transaction.runQuery("select 2", [], limit);
      }),
  },
  {
    name: "an interaction inside of another",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction((transaction) =>
        transaction.runInteraction(limit, async (part) => {
          await part.runQuery("select 1");
          stall();
          await part.runQuery("select 2");
        }),
      ),
  },
  {
    name: "its SAVEPOINT",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1");
        stall();
        await transaction.runInteraction(limit, () => undefined);
      }),
  },
  {
    name: "a statement of an interaction inside of another",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction((transaction) =>
        transaction.runInteraction(async (part) => {
          await part.runQuery("select 1");
          stall();
          await part.runQuery("select 2", [], limit);
        }),
      ),
  },
  {
    name: "executeMany",
    outcome: "not applied",
    run: ({ pool, stall, target, limit }) =>
      pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1");
        stall();
        await transaction.executeMany(insert(target), [[1], [2], [3]], limit);
      }),
  },
  {
    name: "executeMany, behind BEGIN",
    outcome: "not applied",
    run: ({ pool, stall, target, limit }) =>
      pool.runInteraction(async (transaction) => {
        stall();
        await transaction.executeMany(insert(target), [[1], [2], [3]], limit);
      }),
  },
  {
    name: "a cursor's execute",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runWithConnection(async (connection) => {
        await connection.cursor().execute("select 1");
        stall();
        await connection.cursor().execute("select 2", [], limit);
      }),
  },
  {
    name: "runWithConnection",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runWithConnection(limit, async (connection) => {
        await connection.cursor().execute("select 1");
        stall();
        await connection.cursor().execute("select 2");
      }),
  },
  {
    name: "the first row of a stream",
    outcome: "unknown",
    async run({ pool, stall, limit }) {
      stall();
      await pool.runStream("select 2", [], limit).next();
    },
  },
  {
    name: "a later row of a stream",
    outcome: "unknown",
    async run({ pool, stall, target, limit }) {
      let seen = 0;
      for await (const _ of pool.runStream(rows(target), [], limit)) if (seen++ === 0) stall();
    },
  },
  {
    name: "a stream in an interaction",
    outcome: "not applied",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1");
        stall();
        for await (const _ of transaction.runStream("select 2", [], limit));
      }),
  },
  {
    name: "a stream in an interaction, behind BEGIN",
    outcome: "not sent",
    run: ({ pool, stall, limit }) =>
      pool.runInteraction(async (transaction) => {
        stall();
        for await (const _ of transaction.runStream("select 2", [], limit));
      }),
  },
];

describeEach(SERVER_TARGETS, (target) => {
  test.each(WORKS)("F27 a stalled network and a deadline: $name", ({ run, outcome }) =>
    withFaults(target, { min: 0, max: 1 }, async ({ pool, forwarder }) => {
      await pool.runOperation("create table stalled (id integer)");
      let stalled = false;
      const stall = () => {
        stalled = true;
        forwarder.stall();
      };
      let error: Error | undefined;
      // On a slow machine its time may be over before the network stalls.
      for (let timeoutMillis = 100; !stalled; timeoutMillis *= 4)
        error = await failureOf(run({ pool, stall, target, limit: { timeoutMillis } }));
      expect(error).toMatchObject({ name: "StatementTimeout", outcome });
      expect(error?.message).toMatch(/ ms \(timeoutMillis\)/);
      // That takes seconds. Nobody else has the session meanwhile.
      expect(pool.stats).toMatchObject({ inUse: 1, idle: 0, disconnects: 0 });
      forwarder.resume();
      expect(await pool.runQuery("select 3 as v")).toEqual([{ v: 3 }]);
    }),
  );

  test("F27 all who stand on a stalled connection, or wait for it, are answered by their deadlines", () =>
    withFaults(target, { min: 0, max: 1 }, async ({ pool, forwarder, listen }) => {
      const upper = target.sql("select upper(?) as v");
      const ask = (options?: StatementOptions) => pool.runQuery(upper, ["x"], options);
      for (let round = 0; round < 8; round++) await Promise.all([ask(), ask(), ask()]);
      forwarder.stall();
      const ears = Array.from({ length: 100 }, () => listen(ask(LIMIT)));
      await eventually("answers", () => ears.filter(({ fired }) => fired === 1).length, 100);
      for (const { error } of ears) expect(error.name).toBe("StatementTimeout");
      expect(pool.stats).toMatchObject({ inUse: 1, disconnects: 0, waiting: 0 });
      forwarder.resume();
    }));

  test("F27 a reset that hangs does not keep back what was committed", () =>
    withFaults(target, { min: 0, max: 1 }, async ({ pool, forwarder }) => {
      const work = pool.runWithConnection({ timeoutMillis: 1_000 }, async (connection) => {
        await connection.cursor().execute("select 1");
        await connection.commit();
        forwarder.stall();
        return "done";
      });
      expect(await work).toBe("done");
      expect(pool.stats).toMatchObject({ inUse: 1, disconnects: 0 });
      forwarder.resume();
    }));

  test.each(["a statement", "a stream", "an interaction"])("F27 cancel answers at once: %s", (what) =>
    withFaults(target, { min: 0, max: 1 }, async ({ pool, forwarder }) => {
      await pool.runQuery("select 1");
      forwarder.stall();
      const { signal, abort } = abortable();
      const work =
        what === "a statement"
          ? pool.runQuery("select 2", [], { signal })
          : what === "a stream"
            ? pool.runStream("select 2", [], { signal }).next()
            : pool.runInteraction({ signal }, (transaction) => transaction.runQuery("select 2"));
      await eventually("in use", () => pool.stats.inUse, 1);
      abort();
      expect(await failureOf(work)).toMatchObject({ name: "CancelledError" });
      expect(pool.stats).toMatchObject({ inUse: 1, disconnects: 0 });
      forwarder.resume();
    }),
  );

  test.each(["a statement", "a stream", "an interaction"])(
    "F27 the connect stalls: %s was not sent",
    (what) =>
      withFaults(target, { min: 0, max: 1 }, async ({ pool, forwarder }) => {
        forwarder.stall();
        const work =
          what === "a statement"
            ? pool.runQuery("select 2", [], LIMIT)
            : what === "a stream"
              ? pool.runStream("select 2", [], LIMIT).next()
              : pool.runInteraction(LIMIT, (transaction) => transaction.runQuery("select 2"));
        expect(await failureOf(work)).toMatchObject({ name: "StatementTimeout", outcome: "not sent" });
        expect(pool.stats.connecting).toBe(1);
        forwarder.resume();
      }),
  );

  test("F27 openfun's statement has a deadline, too: the connection is given up by it", () =>
    withFaults(target, { min: 0, max: 1 }, async ({ database, forwarder }) => {
      const pool = new ConnectionPool(target.name, forwarder.through(database.connectArgs), {
        min: 0,
        max: 1,
        openfun: async (connection) => {
          forwarder.stall();
          await connection.cursor().execute("select 1", [], LIMIT);
        },
      });
      const { cause } = await failureOf(pool.runQuery("select 2"));
      expect(cause).toMatchObject({ name: "StatementTimeout" });
      forwarder.resume();
      await pool.close({ timeoutMillis: 1_000 });
    }));
});

test("F27 a session that settles behind the answer is used again", () =>
  withScripted({ cancel: true, pool: { max: 1 } }, async (pool, server, listen) => {
    const slow = gate.held();
    server.next("execute", slow);
    const { driver } = server;
    const connect = driver.connect;
    // A server that does not hear of the cancel, and goes on.
    const deaf = { cancel: () => ({ outcome: "unknown", done: Promise.resolve() }) };
    Object.assign(driver, {
      connect: async (...args: Parameters<typeof connect>) => Object.assign(await connect(...args), deaf),
    });
    const ear = listen(pool.runQuery("select 1", [], { timeoutMillis: 50 }));
    await eventually("the answer", () => ear.fired, 1, 3_000);
    expect(ear.error).toMatchObject({ name: "StatementTimeout", outcome: "unknown" });
    const next = listen(pool.runQuery("select 2"));
    expect(next.fired).toBe(0);
    slow.ok();
    await eventually("the next", () => next.fired, 1);
    expect(server.connects).toBe(1);
  }));

/** A signal, and what aborts it. */
function abortable(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
