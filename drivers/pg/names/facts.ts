/** What only the server knows of a session: asked once it is open, and behind statements that may have changed it. */

import { nameOf } from "./statement-name.js";

/** The catalogs that names are found in. Their numbers are the same on every server. */
const PG_TYPE = 1247;
const PG_ATTRIBUTE = 1249;
const PG_PROC = 1255;
const PG_CLASS = 1259;
const PG_NAMESPACE = 2615;
const PG_OPERATOR = 2617;

/**
 * Each counts what this session has done to them lately, also in a transaction that is open. Every table has a type of
 * its own.
 */
const CHANGES = [
  ...[PG_TYPE, PG_PROC, PG_OPERATOR].map((catalog) => `inserted(${catalog})`),
  ...[PG_CLASS, PG_ATTRIBUTE, PG_TYPE, PG_PROC, PG_NAMESPACE].map((catalog) => `updated(${catalog})`),
  ...[PG_CLASS, PG_TYPE, PG_PROC].map((catalog) => `deleted(${catalog})`),
].map((count) => `pg_catalog.pg_stat_get_xact_tuples_${count}`);

const COLUMNS = [
  "pg_catalog.pg_backend_pid()",
  "pg_catalog.current_setting('search_path')",
  "current_user",
  "pg_catalog.current_setting('track_counts')",
  `greatest(${CHANGES.join(", ")})`,
  "pg_catalog.current_setting('extra_float_digits')",
].join(", ");

/** Gives one row of `Facts`. */
export const FACTS = `select ${COLUMNS}`;

/** Its name where it has one. */
export const FACTS_NAME = nameOf(FACTS, []);

export interface Facts {
  /** The server's process, which is not that of the greeting where a pooler stands between. */
  readonly pid: number;
  /** Where names are looked for, and as whom. */
  readonly path: string;
  /** Whether objects may have been made, changed or dropped. */
  readonly altered: boolean;
  /** `extra_float_digits`: below 1 the server rounds. */
  readonly floatDigits: number;
}

export function factsOfRow([pid, path, user, counts, changes, floatDigits]: readonly unknown[]): Facts {
  return {
    pid: Number(pid),
    path: `${user} ${path}`,
    altered: counts !== "on" || Number(changes ?? 1) > 0,
    floatDigits: Number(floatDigits),
  };
}

/**
 * The facts, and on the way there the styles that values are read by. `pid` is who the server says it is: a session
 * behind a pooler may be anybody's, and keeps its settings. DateStyle and client_encoding are the exceptions, where
 * they have to be: PgBouncer keeps these for each client. The order of day and month stays as it is.
 */
export function greeting(pid: number | undefined): string {
  const own = `pg_catalog.pg_backend_pid() = ${pid ?? -1}`;
  const set = (setting: string, value: string, when = own) =>
    `case when ${when} then pg_catalog.set_config('${setting}', ${value}, false) end`;
  return [
    "select pg_catalog.current_setting('extra_float_digits')",
    `${set("datestyle", "'ISO'", `${own} or pg_catalog.current_setting('datestyle') !~ '^ISO'`)}`,
    set("client_encoding", "'UTF8'", "pg_catalog.current_setting('client_encoding') <> 'UTF8'"),
    set("intervalstyle", "'postgres'"),
    set("extra_float_digits", "greatest(pg_catalog.current_setting('extra_float_digits')::int, 1)::text"),
    COLUMNS,
  ].join(", ");
}

export interface Greeting extends Facts {
  /** As it was before: what the role, the database or the server has for it, or a caller. */
  readonly hadFloatDigits: number;
}

export function greetingOfRow([hadFloatDigits, , , , , ...facts]: readonly unknown[]): Greeting {
  return { ...factsOfRow(facts), hadFloatDigits: Number(hadFloatDigits) };
}
