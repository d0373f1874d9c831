/**
 * What mysql2 sends ahead of the answers before it: all of it leaves in one turn, and every caller gets his own answer.
 */
import type { Socket } from "node:net";
import mysql2 from "adbapi/drivers/mysql2";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DriverConnection, RowMode } from "../../../drivers/driver.js";
import { serverUrl } from "../../support/servers.js";

const url = serverUrl("mysql");

async function connect(args: Record<string, unknown> = {}): Promise<DriverConnection> {
  const [fromUrl] = mysql2.fromUrl!(url!);
  const connection = await mysql2.connect(mysql2.checkArgs!([{ ...(fromUrl as object), ...args }]), {
    settings: { name: "test", prepare: true, pipeline: 8, int64: "driver" },
    signal: new AbortController().signal,
    onLost: () => {},
  });
  onTestFinished(() => connection.destroy());
  return connection;
}

const ask = (connection: DriverConnection, sql: string, params?: unknown[], rowMode: RowMode = "object") =>
  connection.execute({ sql, params, rowMode });

/** Ways to ask for a number, and what they give; each way in mysql2 is another. */
const WAYS: readonly ((connection: DriverConnection, n: number) => Promise<unknown>)[] = [
  async (connection, n) => (await ask(connection, "select ? + 0 as v", [n])).rows,
  async (connection, n) =>
    (await ask(connection, "select ? + 0 as v", [n], "array")).rows.map((row) => ({
      v: (row as number[])[0],
    })),
  async (connection, n) => (await ask(connection, `select ${n} as v`)).rows,
  // A text of its own: it is prepared first.
  async (connection, n) => (await ask(connection, `select ${n} + ? as v`, [0])).rows,
  // Too large to go ahead.
  async (connection, n) =>
    (await ask(connection, "select length(?) + ? as v", ["x".repeat(1 << 21), n])).rows,
];

const REFUSED = "select (select 1 union select 2) as v";

describe.runIf(url)("mysql2, ahead of its answers", () => {
  test.each([{}, { compress: true }])(
    "everyone gets his own answer, whatever is asked between: %j",
    async (args) => {
      const connection = await connect(args);
      for (let round = 0; round < 40; round++) {
        const asked = Array.from({ length: 8 }, (_, at) => {
          // Another order in each round.
          const way = ((round + 1) * (at + 3) * 7) % (WAYS.length + 1);
          const n = round * 100 + at;
          const refused = way === WAYS.length;
          const answer = refused ? ask(connection, REFUSED, []) : WAYS[way]!(connection, n);
          return { n, way, refused, answer };
        });
        const answers = await Promise.allSettled(asked.map(({ answer }) => answer));
        for (const [at, { n, way, refused }] of asked.entries()) {
          const answer = answers[at]!;
          if (refused) expect(answer).toMatchObject({ status: "rejected", reason: { errno: 1242 } });
          else if (way === 4) expect(answer).toMatchObject({ value: [{ v: (1 << 21) + n }] });
          else expect(answer).toMatchObject({ value: [{ v: n }] });
        }
        expect(connection.state).toBe("idle");
      }
    },
  );

  test("what is asked in one turn leaves in it, and not with the answers", async () => {
    const connection = await connect();
    const sql = "select ? + 0 as v";
    await ask(connection, sql, [0]);
    const { stream } = connection.native as { readonly stream: Socket };
    const [before] = [stream.bytesWritten];
    const first = ask(connection, sql, [1]);
    await new Promise(process.nextTick);
    const one = stream.bytesWritten - before;
    await first;
    const asked = stream.bytesWritten;
    const all = Array.from({ length: 8 }, (_, n) => ask(connection, sql, [n]));
    await new Promise(process.nextTick);
    expect(stream.bytesWritten - asked).toBe(8 * one);
    expect((await Promise.all(all)).map(({ rows }) => rows)).toEqual(all.map((_, v) => [{ v }]));
  });

  test("who stands behind one that waits for its turn goes with the next, once that has come", async () => {
    const connection = await connect();
    const sql = "select ? + 0 as v";
    await ask(connection, sql, [0]);
    const { stream } = connection.native as { readonly stream: Socket };
    const sent = async (n: number) => {
      const before = stream.bytesWritten;
      const answer = ask(connection, sql, [n]);
      await new Promise(process.nextTick);
      return { answer, bytes: stream.bytesWritten - before };
    };
    const one = await sent(1);
    await one.answer;
    const first = ask(connection, sql, [0]);
    const waits = ask(connection, sql, [1], "array");
    const behind = [2, 3, 4].map((n) => ask(connection, sql, [n]));
    await first;
    expect((await waits).rows).toEqual([[1]]);
    // mysql2 has sent the first of those behind it by itself.
    const next = await sent(5);
    expect(next.bytes).toBe(3 * one.bytes);
    const answers = await Promise.all([...behind, next.answer]);
    expect(answers.map(({ rows }) => rows)).toEqual([2, 3, 4, 5].map((v) => [{ v }]));
  });

  test("a cancel that overtakes its statement is made again", async () => {
    const connection = await connect();
    await ask(connection, "select ? + 0 as v", [0]);
    const { stream } = connection.native as { readonly stream: Socket };
    // The statement is held back until a KILL has found nothing.
    stream.cork();
    const statement = { sql: "select sleep(20) as v", params: undefined, rowMode: "object" } as const;
    const sleeping = connection.execute(statement);
    await new Promise(process.nextTick);
    const { done } = connection.cancel!(statement);
    await new Promise((resolve) => setTimeout(resolve, 150));
    stream.uncork();
    // A killed SLEEP says so in its value, or fails.
    const said = await sleeping.then(
      ({ rows }) => (rows[0] as { v: number }).v,
      () => 1,
    );
    expect(said).toBe(1);
    await done;
    expect((await ask(connection, "select ? + 0 as v", [7])).rows).toEqual([{ v: 7 }]);
  }, 10_000);

  test("a session that ends takes all of them with it, and says so to each", async () => {
    const connection = await connect();
    await ask(connection, "select ? + 0 as v", [0]);
    const all = Array.from({ length: 8 }, (_, n) => ask(connection, "select ? + 0 as v", [n]));
    await new Promise(process.nextTick);
    connection.destroy();
    const settled = await Promise.allSettled(all);
    expect(settled.map(({ status }) => status)).toEqual(all.map(() => "rejected"));
    expect(connection.state).toBe("broken");
  });
});
