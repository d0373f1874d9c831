/** mysql2's rows as the contract wants them: any name may name a column, and 64-bit integers are what was asked for. */
import type { FieldPacket } from "mysql2";
import { DataError } from "../../src/errors/classes.js";
import type { Column, DriverSettings } from "../driver.js";

const BIGINT = 8;

/**
 * Names for which mysql2's row parser gives up and drops the connection. The parser gets an alias, and the row its
 * own property: a prototype is never touched.
 */
const unsafe = ["__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"];
const aliasOf = new Map(unsafe.map((name) => [name, `\0${name}`]));
const nameOf = new Map(unsafe.map((name) => [`\0${name}`, name]));

/** Listens to a command's `fields`, which come before its parser is made. */
export function aliasUnsafeNames(fields: readonly FieldPacket[] | undefined): void {
  for (const field of fields ?? []) {
    const alias = aliasOf.get(field.name);
    if (alias !== undefined) field.name = alias;
  }
}

export function columnsOf(fields: readonly FieldPacket[]): Column[] {
  return fields.map(({ name, columnType }) => ({ name: nameOf.get(name) ?? name, columnType }));
}

/** What is left to do to the rows of these fields: nothing (undefined), nearly always. */
export function finisher(
  fields: readonly FieldPacket[],
  rowMode: "object" | "array",
  int64: DriverSettings["int64"],
): ((row: unknown) => unknown) | undefined {
  const integers = int64 === "bigint" || int64 === "number" ? integerKeys(fields, rowMode) : [];
  const aliased = rowMode === "object" && fields.some(({ name }) => nameOf.has(name));
  if (integers.length === 0 && !aliased) return undefined;
  const convert = int64 === "bigint" ? toBigInt : toNumber;
  return (row) => {
    const values = row as Record<string | number, unknown>;
    for (const key of integers) values[key] = convert(values[key], key);
    return aliased ? withOwnNames(values) : values;
  };
}

/** Of two columns of one name an object has the last. */
function integerKeys(fields: readonly FieldPacket[], rowMode: "object" | "array"): (string | number)[] {
  const types = new Map(
    fields.map((field, index) => [rowMode === "array" ? index : field.name, field.columnType]),
  );
  return [...types].filter(([, type]) => type === BIGINT).map(([key]) => key);
}

function toBigInt(value: unknown): unknown {
  return typeof value === "string" || typeof value === "number" ? BigInt(value) : value;
}

function toNumber(value: unknown, key: string | number): unknown {
  if (typeof value !== "string") return value;
  throw new DataError(
    `the integer in column ${key} is beyond 2^53: ask for it with int64: "bigint" or "string"`,
  );
}

function withOwnNames(row: Record<string, unknown>): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(row)) {
    const name = nameOf.get(key) ?? key;
    Object.defineProperty(named, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return named;
}
