/** What may be bound: a value of each kind, as a program writes it. */
export interface Param {
  readonly code: string;
  readonly value: unknown;
}

export const PARAMS: readonly Param[] = [
  { code: "null", value: null },
  { code: "undefined", value: undefined },
  { code: '"text"', value: "text" },
  { code: "7", value: 7 },
  { code: "-0", value: -0 },
  { code: "1.5", value: 1.5 },
  { code: "2 ** 53", value: 2 ** 53 },
  { code: "1e20", value: 1e20 },
  { code: "9007199254740993n", value: 9007199254740993n },
  { code: "2n ** 64n", value: 2n ** 64n },
  { code: "NaN", value: Number.NaN },
  { code: "true", value: true },
  { code: 'new Date("2024-02-03T04:05:06.789Z")', value: new Date("2024-02-03T04:05:06.789Z") },
  { code: "new Date(NaN)", value: new Date(Number.NaN) },
  { code: "Buffer.from([1, 255])", value: Buffer.from([1, 255]) },
  { code: "new Uint8Array([1, 255])", value: new Uint8Array([1, 255]) },
  { code: "[1, 2]", value: [1, 2] },
  { code: '["a", null]', value: ["a", null] },
  { code: "{ a: 1 }", value: { a: 1 } },
  { code: "new Map()", value: new Map() },
  { code: "Symbol()", value: Symbol() },
];
