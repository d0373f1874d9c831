/** mariadb's rows as the contract wants them: whatever a column is called. */
import type { FieldInfo } from "mariadb";
import type { Column } from "../driver.js";

export function columnsOf(fields: readonly FieldInfo[]): Column[] {
  return fields.map((field) => ({ name: field.name(), columnType: field.columnType }));
}

/** mariadb would assign to a row's prototype. Of two columns of one name an object has the last. */
export function toObjects(rows: readonly unknown[], columns: readonly Column[]): unknown[] {
  const names = columns.map(({ name }) => name);
  return rows.map((row) => toObject(row as unknown[], names));
}

export function toObject(values: readonly unknown[], names: readonly string[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!;
    if (name === "__proto__") {
      const value = values[index];
      Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
    } else row[name] = values[index];
  }
  return row;
}

/** A value that mariadb cannot convert becomes the error itself, in its place in a row of a stream. */
export function refuseFaults(values: readonly unknown[]): void {
  for (const value of values) if (value instanceof Error) throw value;
}
