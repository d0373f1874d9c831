/** The messages of one statement, in one buffer: what fails in it ends all of it, up to its one Sync. */
import { FACTS, FACTS_NAME } from "./names/facts.js";
import type { Asks } from "./names/names.js";
import type { Use } from "./statement-cache.js";
import * as wire from "./wire.js";

export interface Group {
  readonly values: readonly wire.Encoded[];
  readonly use: Use;
  /** Names to be closed first. */
  readonly forgotten: readonly string[];
  /** A BEGIN to ride along: the statement is not run when it fails. */
  readonly begin: string | undefined;
  /** Where the facts of the session are asked for. */
  readonly asks: Asks;
}

export function statementGroup({ values, use, forgotten, begin, asks }: Group): Buffer {
  return wire.group(() => {
    for (const name of forgotten) wire.closeStatement(name);
    if (begin !== undefined) {
      wire.parse("", begin);
      wire.bind("", []);
      wire.execute();
    }
    // Behind BEGIN, which sets no isolation level once a query has been looked at.
    if (asks.ahead) facts(asks.named);
    if (use.shape === undefined) {
      // Whoever may have given the name before: it was not this session as it is now.
      if (use.name !== "") wire.closeStatement(use.name);
      wire.parse(use.name, use.sql, use.types);
    }
    if (use.learns) wire.describeParams();
    wire.bind(use.name, values);
    if (use.shape === undefined && !use.learns) wire.describe();
    wire.execute();
    // The statement may have dropped all names.
    if (asks.behind) facts(asks.named);
    wire.sync();
  });
}

export interface ManyGroup {
  readonly sql: string;
  readonly lists: readonly (readonly wire.Encoded[])[];
  readonly asks: Asks;
}

/**
 * One text with several lists of params. Parsed anew for each group: other statements of the transaction may travel in
 * between.
 */
export function manyGroup({ sql, lists, asks }: ManyGroup): Buffer {
  return wire.group(() => {
    if (asks.ahead) facts(asks.named);
    wire.parse("", sql);
    for (const values of lists) {
      wire.bind("", values);
      wire.execute();
    }
    if (asks.behind) facts(asks.named);
    wire.sync();
  });
}

/** The end of a portal that has no name. */
export function endOfPortal(asks: Asks): Buffer {
  return wire.group(() => {
    wire.closePortal();
    if (asks.behind) facts(asks.named);
    wire.sync();
  });
}

function facts(named: boolean): void {
  if (!named) {
    wire.closeStatement(FACTS_NAME);
    wire.parse(FACTS_NAME, FACTS);
  }
  wire.bind(FACTS_NAME, []);
  wire.execute();
}
