/** What a statement may do to the names that other statements stand on, as far as its text tells. */
import { eachWord } from "./words.js";

/**
 * - `read`, `write`: it calls only what is known to be harmless, as far as it shows;
 * - `calls`: it may call a function that does anything;
 * - `runs`: it is there to run something else, a procedure or a block of code;
 * - `command`: known by the tag that the server answers with.
 */
export type Kind = "read" | "write" | "calls" | "runs" | "command";

export interface Outline {
  readonly kind: Kind;
  /** The server plans it, so it gains by a name. BEGIN, COMMIT and ROLLBACK are not among those. */
  readonly planned: boolean;
  /**
   * The words of a `read` or `write` without its values: what has the same has the same tables, views and triggers.
   * Empty where it is long.
   */
  readonly pattern: string;
}

export function outlineOf(sql: string): Outline {
  let verb = "";
  let previous = "";
  /** Within a name that may have a list of columns behind it. */
  let naming = false;
  let writes = false;
  let pattern = "";
  let calls = false;
  const certain = eachWord(sql, (word, opens) => {
    if (verb === "") verb = word;
    if (WRITES.has(word)) writes = true;
    // Not `insert into`: SELECT INTO makes a table.
    if (word === "into" && previous !== "insert" && previous !== "merge") calls = true;
    if (!startsAsValue(word)) pattern += ` ${word}`;
    if (word[0] !== ".") {
      naming = previous === "into" || previous === "as";
      previous = word;
    }
    if (opens && !naming && !HARMLESS.has(word)) calls = true;
  });
  const planned = PLANNED.has(verb);
  if (!planned) return { kind: RUNNERS.has(verb) ? "runs" : "command", planned, pattern: "" };
  if (calls || !certain) return { kind: "calls", planned, pattern: "" };
  return { kind: writes ? "write" : "read", planned, pattern: pattern.length > LONGEST ? "" : pattern };
}

const LONGEST = 1000;

/** A number, or `$1`. */
function startsAsValue(word: string): boolean {
  const first = word.charCodeAt(word[0] === "." ? 1 : 0);
  return first === 0x24 || (first >= 0x30 && first <= 0x39);
}

const words = (text: string) => new Set(text.trim().split(/\s+/));

const PLANNED = words("select insert update delete merge with values table");
const WRITES = words("insert update delete merge");
const RUNNERS = words("call do explain execute fetch move");

/**
 * What stands before a parenthesis without being a function, and functions of the server's own that change nothing but
 * their result.
 */
const HARMLESS = words(`
  all and any array as between by case cast check coalesce conflict cube distinct else end except exists filter from greatest group
  grouping having ilike in intersect is join lateral least like limit materialized not null nullif offset on or order over overlaps
  partition recursive returning rollup row select set sets similar some then to union unique using values when where window with within
  bit char character decimal float interval numeric time timestamp timestamptz timetz varbit varchar varying
  abs age array_agg array_append array_cat array_length array_position array_positions array_prepend array_remove array_replace
  array_to_json array_to_string ascii avg bit_and bit_or bool_and bool_or btrim cardinality ceil ceiling char_length character_length
  chr clock_timestamp concat concat_ws corr count cume_dist current_database current_schema current_setting date_bin date_part
  date_trunc decode dense_rank div encode every exp extract first_value floor format format_type gen_random_uuid generate_series
  generate_subscripts hashtext initcap isfinite json_agg json_array_elements json_array_elements_text json_array_length
  json_build_array json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object json_object_agg
  json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_agg
  jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
  jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists
  jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set
  jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof justify_days justify_hours justify_interval lag last_value lead
  left length ln localtime localtimestamp log lower lpad ltrim make_date make_interval make_time make_timestamp make_timestamptz max md5
  min mod mode now nth_value ntile octet_length overlay percent_rank percentile_cont percentile_disc phraseto_tsquery pg_backend_pid
  pg_sleep plainto_tsquery position power quote_ident quote_literal quote_nullable random range_agg rank regexp_match regexp_matches
  regexp_replace regexp_split_to_array regexp_split_to_table repeat replace reverse right round row_number row_to_json rpad rtrim
  scale sha256 sha512 sign split_part sqrt starts_with statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array
  string_to_table strpos substr substring sum timeofday timezone to_char to_date to_hex to_json to_jsonb to_number to_timestamp
  to_tsquery to_tsvector transaction_timestamp translate trim trunc ts_headline ts_rank ts_rank_cd unnest upper var_pop var_samp
  variance websearch_to_tsquery width_bucket
  nextval currval lastval setval pg_notify pg_try_advisory_xact_lock pg_advisory_xact_lock pg_advisory_lock pg_advisory_unlock
`);
