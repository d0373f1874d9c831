/** Lists as params of PostgreSQL are written as the package writes them, and in less time where that takes long. */
import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { arrayLiteral } from "../../dist/drivers/pg/values/array-literal.js";
import { encode, type PrepareValue } from "../../dist/drivers/pg/values/encode.js";

const { prepareValue } = createRequire(import.meta.url)("pg/lib/utils.js") as { prepareValue: PrepareValue };

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom('"', "\\", "a", "é", "€", "𝄞", "{", "}", ",", " ", "\n", "NULL") }),
);

const element = fc.oneof(
  text,
  fc.constantFrom(null, undefined, true, false, 0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e21),
  fc.double(),
  fc.bigInt(),
  fc.date({ noInvalidDate: true, min: new Date(0) }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ minLength: 4 }).map((bytes) => new DataView(bytes.buffer, 1, 2)),
  fc.uint16Array(),
  fc.float64Array(),
  fc.dictionary(text, fc.jsonValue()),
  fc.oneof(text, fc.double(), fc.constant(null), fc.array(text)).map((made) => ({ toPostgres: () => made })),
);

const { list } = fc.letrec<{ list: unknown[] }>((tie) => ({
  list: fc.oneof({ maxDepth: 4 }, fc.array(element), fc.array(fc.oneof(element, tie("list")))),
}));

test("as the package writes them", () => {
  fc.assert(
    fc.property(list, (given) => {
      expect(outcome(() => arrayLiteral(given, prepareValue))).toEqual(outcome(() => prepareValue(given)));
      expect(outcome(() => encode([given], prepareValue)[0])).toEqual(outcome(() => prepareValue(given)));
    }),
    { numRuns: 300 },
  );
});

test("what has no text is refused, as by the package", () => {
  const hostile = [
    [{ toPostgres: () => null }],
    [{ toPostgres: () => Buffer.from("a") }],
    [{ toJSON: () => undefined }],
  ];
  for (const given of hostile) {
    expect(() => prepareValue(given)).toThrow(TypeError);
    expect(() => arrayLiteral(given, prepareValue)).toThrow(TypeError);
    expect(() => encode([given], prepareValue)).toThrow("could not be encoded");
  }
});

test.each(['"', "\\", '{"', '"€', "\\€"])("a megabyte of %j", (piece) => {
  const given = [piece.repeat(1_000_000 / piece.length), [{ text: piece.repeat(1_000) }]];
  expect(arrayLiteral(given, prepareValue) === prepareValue(given)).toBe(true);
});

/** What it gives, or that it refuses. */
function outcome(make: () => unknown): unknown {
  try {
    return { made: make() };
  } catch {
    return "refused";
  }
}
