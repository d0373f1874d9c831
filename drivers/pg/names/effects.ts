/** What a command does to the names that prepared statements stand on, by the tag that the server answers it with. */

/**
 * - `none`: every name means what it meant;
 * - `moved`: in this session a name may mean something else: another path or role, a temporary table, or anything
 *   unknown;
 * - `altered`: the tables themselves may have changed, for all sessions once it is committed.
 */
export type Effect = "none" | "moved" | "altered";

export function worst(a: Effect, b: Effect): Effect {
  if (a === "altered" || b === "altered") return "altered";
  return a === "moved" || b === "moved" ? "moved" : "none";
}

/**
 * Whatever is not known to be harmless is not: new commands of the server's too. `sql` is undefined where a text held
 * several.
 */
export function effectOf(tag: string, sql: string | undefined): Effect {
  if (HARMLESS.has(tag)) return "none";
  if (tag === "SET CONSTRAINTS" && sql !== undefined && DEFERS.test(sql)) return "none";
  if (tag === "SET" && sql !== undefined && setsHarmlessly(sql)) return "none";
  if (ALTERING.test(tag)) return sql !== undefined && TEMPORARY.test(sql) ? "moved" : "altered";
  return "moved";
}

/**
 * Ends of transactions are here: they undo what was moved in them, which is known by then. What fires a trigger is not,
 * be it one of events (COMMENT, GRANT), nor DECLARE, whose query may be run by COMMIT.
 */
const HARMLESS = new Set([
  "ANALYZE",
  "BEGIN",
  "CHECKPOINT",
  "CLOSE CURSOR",
  "CLOSE CURSOR ALL",
  "CLUSTER",
  "COMMIT",
  "COMMIT PREPARED",
  "DEALLOCATE",
  "EXPLAIN",
  "LISTEN",
  "LOCK TABLE",
  "NOTIFY",
  "PREPARE",
  "PREPARE TRANSACTION",
  "RELEASE",
  "ROLLBACK",
  "ROLLBACK PREPARED",
  "SAVEPOINT",
  "SHOW",
  "START TRANSACTION",
  "UNLISTEN",
  "VACUUM",
]);

const DEFERS = /\bdeferred[\s;]*$/i;
const ALTERING = /^(?:ALTER|CREATE|DROP|IMPORT|SELECT)\b/;
const TEMPORARY = /^\s*create\s+(?:(?:local|global)\s+)?temp(?:orary)?\b/i;

const SETTING = /^\s*set\s+(?:(?:local|session)\s+)?([a-z_][\w.]*)/i;

/**
 * Settings that say neither where a name is looked for, nor what a literal of a text means: that is found out when it
 * is prepared. Those with a dot are the caller's own.
 */
function setsHarmlessly(sql: string): boolean {
  const name = SETTING.exec(sql)?.[1]?.toLowerCase();
  return name !== undefined && (name.includes(".") || HARMLESS_SETTINGS.has(name));
}

const HARMLESS_SETTINGS = new Set([
  "application_name",
  "bytea_output",
  "client_min_messages",
  "constraint_exclusion",
  "deadlock_timeout",
  "extra_float_digits",
  "hash_mem_multiplier",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "jit",
  "lock_timeout",
  "log_min_duration_statement",
  "log_statement",
  "maintenance_work_mem",
  "max_parallel_workers_per_gather",
  "plan_cache_mode",
  "random_page_cost",
  "statement_timeout",
  "synchronous_commit",
  "temp_buffers",
  "transaction",
  "transaction_timeout",
  "work_mem",
]);
