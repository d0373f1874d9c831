/** The messages of one statement, in one buffer: what fails in it ends all of it, up to its one Sync. */
import { FACTS } from "./names/facts.js";
import type { Asks, Sending } from "./names/names.js";
import * as wire from "./wire.js";

/** With a BEGIN to ride along, where one is given: the statement is not run when that fails. */
export function statementGroup(
  { use, forgotten, asks }: Sending,
  values: readonly wire.Encoded[],
  begin: string | undefined,
): Buffer {
  wire.start();
  for (const name of forgotten) wire.closeStatement(name);
  if (begin !== undefined) {
    wire.parse("", begin);
    wire.bind("", []);
    wire.execute();
  }
  // Behind BEGIN, which sets no isolation level once a query has been looked at.
  if (asks.ahead) facts(asks);
  if (use.shape === undefined) {
    // The name may have been given before: not by this session as it is now.
    if (use.name !== "") wire.closeStatement(use.name);
    wire.parse(use.name, use.sql, use.types);
  }
  if (use.learns) wire.describeParams();
  wire.bind(use.name, values);
  if (use.shape === undefined && !use.learns) wire.describe();
  wire.execute();
  // The statement may have dropped all names.
  if (asks.behind) facts(asks);
  wire.sync();
  return wire.finish();
}

/**
 * One text with several lists of params. Parsed anew for each group: other statements of the transaction may travel in
 * between.
 */
export function manyGroup(sql: string, lists: readonly (readonly wire.Encoded[])[], asks: Asks): Buffer {
  wire.start();
  if (asks.ahead) facts(asks);
  wire.parse("", sql);
  for (const values of lists) {
    wire.bind("", values);
    wire.execute();
  }
  if (asks.behind) facts(asks);
  wire.sync();
  return wire.finish();
}

/** The end of a portal that has no name. */
export function endOfPortal(asks: Asks): Buffer {
  wire.start();
  wire.closePortal();
  if (asks.behind) facts(asks);
  wire.sync();
  return wire.finish();
}

function facts({ name, known }: Asks): void {
  if (!known) {
    if (name !== "") wire.closeStatement(name);
    wire.parse(name, FACTS);
  }
  wire.bind(name, []);
  wire.execute();
}
