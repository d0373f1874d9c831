import type { MessagePort } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { Cells } from "../../drivers/blocking/cells.js";
import { Inbox, type Received } from "../../drivers/blocking/host/inbox.js";
import type { Answer } from "../../drivers/blocking/protocol.js";
import { Outbox } from "../../drivers/blocking/thread/outbox.js";
import { encodeRows, SLICE } from "../../drivers/blocking/wire.js";
import type { RowMode } from "../../drivers/driver.js";

/** What one turn may make at most: it stops after the slice with which 4 096 rows are reached. */
const MOST_ROWS = 4_096 + SLICE;

/**
 * A result of a million rows, of which everything has come already: nothing but the inbox itself can let the event loop
 * turn.
 */
function million(): Answer[] {
  const slice = Array.from({ length: SLICE }, (_, n) => [n]);
  const part: Answer = ["part", [0, ["n"]], encodeRows(slice, 1, [])];
  const parts = Math.ceil(1_000_000 / SLICE) - 1;
  const last = encodeRows([...slice], 1, []);
  return [
    ...Array.from({ length: parts }, () => part),
    ["result", false, [0], last, (parts + 1) * SLICE, undefined, true],
  ];
}

describe("a million rows in the inbox", () => {
  it("are made in slices, between which the event loop turns, and what follows stays behind them", async () => {
    const cells = Cells.create(1);
    const received: Received[] = [];
    /** Turns that had gone by when each answer was handed over. */
    const at: number[] = [];
    let turns = 0;
    const all = new Promise<void>((resolve) => {
      const receiver = {
        rowMode: (): RowMode => "object",
        receive(one: Received) {
          received.push(one);
          at.push(turns);
          if (received.length === 2) resolve();
        },
      };
      new Inbox(receiver, cells).take([...million(), ["done", false]]);
    });
    expect(received).toEqual([]);
    const turn = () => {
      turns++;
      if (received.length < 2) setImmediate(turn);
    };
    setImmediate(turn);
    await all;
    const [result, behind] = received;
    expect(behind).toEqual(["done", false]);
    const { rows, rowCount } = result as Extract<Received, { kind: "result" }>;
    expect(rows).toHaveLength(rowCount);
    expect(rows.findIndex((row, n) => (row as { n: number }).n !== n % SLICE)).toBe(-1);
    expect(at[0]).toBeGreaterThanOrEqual(Math.floor(rowCount / MOST_ROWS));
  });
});

describe("wide rows", () => {
  const columns = Array.from({ length: 200 }, (_, at) => `c${at}`);
  const rows = Array.from({ length: 1_000 }, (_, row) => columns.map((_, at) => row + at));

  it("leave in slices of fewer rows, and few of them are made in a turn", async () => {
    const cells = Cells.create(1);
    const messages: Answer[][] = [];
    const port = {
      postMessage(answers: Answer[]) {
        messages.push(answers);
        // Nobody takes them meanwhile, and the outbox would wait.
        if (answers[0]![0] === "part") cells.partTaken();
      },
    };
    const outbox = new Outbox(port as unknown as MessagePort, cells, undefined);
    outbox.add({ result: { columns, rows, rowCount: rows.length }, readOnly: true }, false, 0);
    outbox.flush();
    expect(messages).toHaveLength(10);

    let received: Received | undefined;
    let turns = 0;
    const receiver = {
      rowMode: (): RowMode => "array",
      receive: (one: Received) => {
        received = one;
      },
    };
    new Inbox(receiver, cells).take(messages.flat());
    for (; received === undefined && turns < 100; turns++) await new Promise(setImmediate);
    expect(received).toMatchObject({ rows });
    expect(turns).toBeGreaterThanOrEqual(4);
  });
});
