/** The messages of one statement, in one buffer: what fails in it ends all of it, up to its one Sync. */
import type { Use } from "./statements.js";
import * as wire from "./wire.js";

export interface Group {
  readonly sql: string;
  readonly values: readonly wire.Encoded[];
  readonly use: Use;
  /** Names to be closed first. */
  readonly forgotten: readonly string[];
  /** A BEGIN to ride along: the statement is not run when it fails. */
  readonly begin: string | undefined;
}

export function statementGroup({ sql, values, use, forgotten, begin }: Group): Buffer {
  return wire.group(() => {
    for (const name of forgotten) wire.closeStatement(name);
    if (begin !== undefined) {
      wire.parse("", begin);
      wire.bind("", []);
      wire.execute();
    }
    if (use.shape === undefined) wire.parse(use.name, sql);
    wire.bind(use.name, values);
    if (use.shape === undefined) wire.describe();
    wire.execute();
    wire.sync();
  });
}
