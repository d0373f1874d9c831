import type { StatementTrace } from "../diagnostics/channels.js";
import type { RunningStatement } from "./report.js";
import { shorten } from "./slow-statements.js";

/** How many are remembered; what comes while so many are under way is counted when it ends, but not listed. */
const MOST = 20_000;
const SHOWN = 50;
const FRAMES = 20;

/** Taking the line of code costs tens of microseconds: in a second so many texts, and so many statements of each. */
const TEXTS_A_SECOND = 50;
const SITES_OF_A_TEXT = 5;
const SITE_LENGTH = 300;

/** Where this library's own code is: its folder, or, in an application's bundle, that one file. */
const OWN = import.meta.url.includes("/dist/")
  ? import.meta.url.slice(0, import.meta.url.lastIndexOf("/dist/") + "/dist/".length)
  : import.meta.url;

interface Entry {
  readonly begun: number;
  /** V8 makes the text when it is first read, so that a statement pays for the frames alone. */
  readonly site: { stack?: unknown } | undefined;
}

/** The statements that are under way, with the line of code that asked for each. */
export class RunningStatements {
  readonly #entries = new Map<StatementTrace, Entry>();
  /** How many sites were taken of each text in this second. */
  readonly #taken = new Map<string, number>();
  #second = 0;

  /** To be called in the caller's stack, by `listener`. */
  begin(trace: StatementTrace, listener: (trace: StatementTrace) => void): void {
    if (this.#entries.size >= MOST) return;
    const begun = performance.now();
    this.#entries.set(trace, { begun, site: this.#mayTake(trace.sql, begun) ? siteOf(listener) : undefined });
  }

  end(trace: StatementTrace): void {
    this.#entries.delete(trace);
  }

  /** Those at the database first, then those that wait; the oldest of each first. */
  list(): RunningStatement[] {
    const now = performance.now();
    const begun: [StatementTrace, Entry][] = [];
    const waiting: [StatementTrace, Entry][] = [];
    for (const entry of this.#entries) {
      const list = stateOf(entry[0]) === "waiting" ? waiting : begun;
      if (list.length < SHOWN) list.push(entry);
    }
    return [...begun, ...waiting].slice(0, SHOWN).map(([trace, { begun, site }]) => ({
      sql: shorten(trace.sql),
      state: stateOf(trace),
      inTransaction: trace.inTransaction,
      millis: now - begun - (trace.waitedMillis ?? 0),
      callSite: callSite(site?.stack),
    }));
  }

  clear(): void {
    this.#entries.clear();
    this.#taken.clear();
  }

  #mayTake(sql: string, now: number): boolean {
    if (now - this.#second >= 1_000) {
      this.#second = now;
      this.#taken.clear();
    }
    const taken = this.#taken.get(sql) ?? 0;
    if (taken >= SITES_OF_A_TEXT || (taken === 0 && this.#taken.size >= TEXTS_A_SECOND)) return false;
    this.#taken.set(sql, taken + 1);
    return true;
  }
}

function siteOf(listener: (trace: StatementTrace) => void): { stack?: unknown } {
  const site = {};
  const limit = Error.stackTraceLimit;
  // Where intrinsics are frozen it cannot be set, and the frames that there are have to do.
  Reflect.set(Error, "stackTraceLimit", FRAMES);
  Error.captureStackTrace(site, listener);
  Reflect.set(Error, "stackTraceLimit", limit);
  return site;
}

/** A stream does not tell here when it got its connection. */
function stateOf({ inTransaction, streamed, waitedMillis }: StatementTrace): RunningStatement["state"] {
  if (streamed) return "streaming";
  return inTransaction || waitedMillis !== undefined ? "running" : "waiting";
}

/** The first frame that is neither this library's nor Node's. */
function callSite(stack: unknown): string | undefined {
  if (typeof stack !== "string") return undefined;
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const frame = frames.find((line) => !line.includes(OWN) && !/[( ]node:|<anonymous>\)?$/.test(line));
  return frame?.trim().replace(/^at /, "").slice(0, SITE_LENGTH);
}
