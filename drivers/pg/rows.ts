/** From the server's text to rows. */
import type { FieldDef } from "pg";
import { AdbapiError, DataError } from "../../src/errors.js";

export type ParseText = (text: string) => unknown;
export type GetParser = (oid: number) => ParseText;

/** The columns of a result, and how its rows are made. */
export class Shape {
  readonly fields: readonly FieldDef[];
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

export const NO_COLUMNS = new Shape([], () => String);

/** What a type parser threw. The value is not repeated: it is someone's data. */
export function unreadable(error: unknown): AdbapiError {
  return error instanceof AdbapiError
    ? error
    : new DataError("a column of the result could not be read by its type parser", { cause: error });
}
