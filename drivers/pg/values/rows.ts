/** From the server's text to rows. */
import type { FieldDef } from "pg";
import type { GetParser, ParseText } from "./codec.js";
import { type MadeColumn, MadeTypes } from "./made-types.js";

export type { GetParser, ParseText } from "./codec.js";

/** The columns of a result, and how its rows are made. */
export class Shape {
  readonly fields: readonly FieldDef[];
  readonly made: readonly MadeColumn[];
  readonly #names: readonly string[];
  readonly #parsers: readonly ParseText[];
  /**
   * Every row starts as a copy of it: one hidden class for all, and names such as `__proto__` are own properties
   * before anything is assigned to them, so that the assignment cannot reach the prototype.
   */
  readonly #template: Readonly<Record<string, unknown>>;

  constructor(fields: readonly FieldDef[], getParser: GetParser) {
    this.fields = fields;
    this.#names = fields.map((field) => field.name);
    this.#parsers = fields.map((field) => getParser(field.dataTypeID));
    this.made = madeColumns(fields, getParser);
    const template: Record<string, unknown> = Object.create(null);
    for (const name of this.#names) template[name] = null;
    this.#template = { ...template };
  }

  object(values: readonly (string | null)[]): unknown {
    const row: Record<string, unknown> = { ...this.#template };
    const names = this.#names;
    const parsers = this.#parsers;
    for (let i = 0; i < values.length; i++) {
      const text = values[i]!;
      row[names[i]!] = text === null ? null : parsers[i]!(text);
    }
    return row;
  }

  array(values: readonly (string | null)[]): unknown {
    const row = new Array<unknown>(values.length);
    const parsers = this.#parsers;
    for (let i = 0; i < values.length; i++) {
      const text = values[i]!;
      row[i] = text === null ? null : parsers[i]!(text);
    }
    return row;
  }
}

const NO_MADE: readonly MadeColumn[] = [];

function madeColumns(fields: readonly FieldDef[], getParser: GetParser): readonly MadeColumn[] {
  let made: MadeColumn[] | undefined;
  fields.forEach(({ name, dataTypeID: oid, dataTypeSize }, index) => {
    // Arrays are as long as they are; an enum has four bytes.
    if (dataTypeSize >= 0 || !MadeTypes.has(oid, getParser)) return;
    made ??= [];
    made.push({ index, name, oid, named: fields.findLastIndex((field) => field.name === name) === index });
  });
  return made ?? NO_MADE;
}

export const NO_COLUMNS = new Shape([], () => String);
