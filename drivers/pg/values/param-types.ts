/** What the server takes the params of a statement for, asked where a value could be taken for another. */
import { InterfaceError } from "../../../src/errors/classes.js";
import type { Params, Statement } from "../../driver.js";
import { Execution, type Owner } from "../execution.js";
import * as wire from "../wire.js";

const JSON_TYPES: ReadonlyMap<number, string> = new Map([
  [114, "json"],
  [3802, "jsonb"],
]);

/** A question for the types of a statement's params, its `types`; the statement is parsed, and not run. */
export class ParamTypes extends Execution {
  constructor(owner: Owner, settle: (error: unknown, execution: Execution) => void, statement: Statement) {
    wire.start();
    wire.parse("", statement.sql);
    wire.describeParams();
    wire.sync();
    const bytes = wire.finish();
    super(owner, bytes, settle, statement);
  }

  override handleRowDescription(): void {}
}

export function holdsEmptyArray(params: Params): boolean {
  return Array.isArray(params) && params.some(isEmptyArray);
}

/** PostgreSQL would store `{}`; arrays that are not empty it refuses by itself. */
export function refuseForJson(oids: readonly number[], lists: readonly Params[]): void {
  for (const list of lists as readonly (readonly unknown[])[]) {
    const index = list.findIndex((value, at) => isEmptyArray(value) && JSON_TYPES.has(oids[at] ?? 0));
    if (index < 0) continue;
    throw new InterfaceError(
      `param ${index + 1} is an empty array for ${JSON_TYPES.get(oids[index]!)}: PostgreSQL would store {}; bind JSON.stringify(value)`,
    );
  }
}

function isEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
