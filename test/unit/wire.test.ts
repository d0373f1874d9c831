import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Request } from "../../drivers/blocking/protocol.js";
import { packRequests, unpackRequests } from "../../drivers/blocking/requests.js";
import { convertIntegers } from "../../drivers/blocking/thread/integers.js";
import { decodeRows, encodeRows, type WireRows, WireTable } from "../../drivers/blocking/wire.js";

/** As it arrives on another thread. */
function sent(wire: WireRows, moved: ArrayBuffer[]): WireRows {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(wire, moved);
  const { message } = receiveMessageOnPort(port2)!;
  port1.close();
  return message;
}

function roundTrip(rows: readonly unknown[][], width: number): unknown[] {
  const moved: ArrayBuffer[] = [];
  const names = Array.from({ length: width }, (_, at) => `c${at}`);
  const wire = sent(encodeRows(structuredClone(rows) as unknown[][], width, moved), moved);
  return decodeRows(wire, names, "array");
}

/** What databases give, of one kind or mixed, with the NULLs in between. */
const values = {
  number: fc.double(),
  text: fc.string({ unit: "grapheme" }),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  blob: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  null: fc.constant(null),
};
const column = fc.oneof(
  fc.constant(values.number),
  fc.constant(values.text),
  fc.constant(fc.option(values.number)),
  fc.constant(fc.option(values.text)),
  fc.constant(values.bigint),
  fc.constant(values.blob),
  fc.constant(values.null),
  fc.constant(fc.oneof(...Object.values(values))),
);
const table = fc
  .tuple(fc.array(column, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 60 }))
  .chain(([columns, count]) =>
    fc
      .array(fc.tuple(...(columns as fc.Arbitrary<unknown>[])), { minLength: count, maxLength: count })
      .map((rows) => ({
        width: columns.length,
        rows: rows as unknown[][],
      })),
  );

describe("rows on the wire", () => {
  it("arrive as they were sent, whatever the columns hold and however many there are", () => {
    fc.assert(
      fc.property(table, ({ rows, width }) => {
        expect(roundTrip(rows, width)).toStrictEqual(rows);
      }),
      { numRuns: 300 },
    );
  });

  it("arrive in parts as they would have whole", () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 0, max: 60 }), ({ rows, width }, cut) => {
        const first = Math.min(cut, rows.length);
        const names = Array.from({ length: width }, (_, at) => `c${at}`);
        const parts = new WireTable(encodeRows(structuredClone(rows), width, []), names);
        const whole = decodeRows(encodeRows(structuredClone(rows), width, []), names, "object");
        expect([...parts.take(first, "object"), ...parts.take(rows.length - first, "object")]).toStrictEqual(
          whole,
        );
      }),
    );
  });

  it("hold Buffers that are views of something larger, and leave the sender's alone", () => {
    const memory = Buffer.from("0123456789".repeat(1_000));
    const views = [memory.subarray(3, 7), memory.subarray(1_000, 9_000), memory];
    const before = views.map((view) => view.toString());
    const rows = views.map((view) => [view, "text", 1]);
    const moved: ArrayBuffer[] = [];
    const wire = sent(encodeRows(rows, 3, moved), moved);
    const received = decodeRows(wire, ["blob", "text", "number"], "object") as { blob: Buffer }[];
    expect(received.map((row) => row.blob.toString())).toEqual(before);
    expect(received.every((row) => Buffer.isBuffer(row.blob))).toBe(true);
    expect(received[0]!.blob.buffer.byteLength).toBe(4);
    expect(memory.byteLength).toBe(10_000);
  });

  for (const count of [1, 100]) {
    it(`make plain objects of ${count} rows, whatever the columns are called`, () => {
      const rows = Array.from({ length: count }, () => [Buffer.from("evil"), 1, 2, "last"]);
      const names = ["__proto__", "constructor", "twice", "twice"];
      const [row] = decodeRows(encodeRows(rows, 4, []), names, "object") as Record<string, unknown>[];
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
      expect(Object.keys(row!)).toEqual(["__proto__", "constructor", "twice"]);
      expect(Object.getOwnPropertyDescriptor(row, "__proto__")!.value).toEqual(Buffer.from("evil"));
      expect(row!.twice).toBe("last");
    });
  }
});

describe("requests on the wire", () => {
  it("are the same requests after packing and unpacking", () => {
    const slots = 8;
    const step = fc.oneof(
      fc.record({
        sql: fc.constantFrom("a", "b"),
        transaction: fc.boolean(),
        params: fc.oneof(
          fc.constant(undefined),
          fc.array(fc.integer(), { maxLength: 3 }),
          fc.record({ name: fc.integer() }),
        ),
      }),
      fc.constant("commit" as const),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: slots }),
        fc.integer({ min: 0, max: slots - 1 }),
        (steps, start) => {
          const requests = steps.map((one, at): Request => {
            const slot = (start + at) % slots;
            return one === "commit"
              ? ["commit", slot, true]
              : ["execute", slot, one.transaction, one.sql, one.params];
          });
          expect(unpackRequests(structuredClone(packRequests(requests, slots)), slots)).toEqual(requests);
        },
      ),
    );
  });
});

describe("integers of 64 bits", () => {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  const rows = () => [[1n, limit, limit + 1n, -limit - 1n, 0.5, "1", null]];
  const converted = (int64: Parameters<typeof convertIntegers>[1]) => {
    const table = rows();
    convertIntegers(table, int64);
    return table[0];
  };

  it('are numbers where those are exact with "driver"', () => {
    expect(converted("driver")).toEqual([1, Number(limit), limit + 1n, -limit - 1n, 0.5, "1", null]);
  });
  it('are all bigints with "bigint"', () => expect(converted("bigint")).toEqual(rows()[0]));
  it('are all strings with "string"', () => {
    expect(converted("string")).toEqual(["1", `${limit}`, `${limit + 1n}`, `-${limit + 1n}`, 0.5, "1", null]);
  });
  it('are numbers with "number", and never rounded', () => {
    expect(() => converted("number")).toThrow(/9007199254740992 is beyond/);
  });
});
