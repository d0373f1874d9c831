/**
 * Which texts give the same in bulk as one by one. MariaDB runs an UPDATE or DELETE anew for each list, but an INSERT
 * for all lists as one statement: what it works out ahead of a row (subqueries, the types of what is computed, a
 * pattern, the arguments of IN) it works out for the first alone, and time stands still. So an INSERT has no functions
 * and no comparisons, and computes with columns alone.
 */
import { afterName, afterVerb, isName, NO, type Token, tokensOf } from "./sql-tokens.js";

/** Words that stand for a value of the moment without brackets behind them. */
const OF_THE_MOMENT = new Set(
  "sysdate current_timestamp current_date current_time localtime localtimestamp utc_timestamp utc_date utc_time rownum".split(
    " ",
  ),
);

/** Words that give a clause, a query or a value of the moment. */
const REFUSED = new Set([
  ..."select returning table with union except intersect next previous for using join into procedure delayed".split(
    " ",
  ),
  ...OF_THE_MOMENT,
]);

/** What may stand before a bracket: words of the language, types in a CAST, and functions of their arguments alone. */
const BEFORE_BRACKET = new Set(
  (
    "values value in and or not xor between like when then else case div mod is set where if char binary decimal signed varchar time date datetime " +
    "abs acos ascii asin atan bin bit_count bit_length ceil ceiling char_length character_length coalesce concat concat_ws conv convert cast " +
    "cos cot crc32 date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear degrees elt exp extract field find_in_set " +
    "floor format from_base64 from_days from_unixtime greatest hex hour ifnull inet_aton inet_ntoa inet6_aton inet6_ntoa instr json_array " +
    "json_compact json_contains json_extract json_insert json_merge json_merge_patch json_object json_query json_quote json_remove json_replace " +
    "json_set json_type json_unquote json_valid json_value lcase least left length ln locate log log10 log2 lower lpad ltrim makedate maketime " +
    "md5 microsecond mid minute month monthname nullif oct octet_length ord pi point position pow power quarter quote radians repeat replace " +
    "reverse right round rpad rtrim sec_to_time second sha sha1 sha2 sign sin space sqrt st_geomfromgeojson st_geomfromtext st_geomfromwkb " +
    "st_pointfromtext str_to_date strcmp substr substring substring_index tan time_format time_to_sec timediff timestampadd timestampdiff " +
    "to_base64 to_days to_seconds trim truncate ucase unhex upper week weekday weekofyear year yearweek"
  ).split(" "),
);

const VERBS: Readonly<Record<string, (tokens: readonly Token[], from: number) => boolean>> = {
  insert: isPlainInsert,
  replace: isPlainInsert,
  update: (tokens, from) => isPlainOn(tokens, from, ["set"]),
  delete: (tokens, from) => tokens[from]?.text === "from" && isPlainOn(tokens, from + 1, ["where"]),
};
export function isPlain(sql: string): boolean {
  const tokens = tokensOf(sql);
  const verb = tokens?.[0];
  if (tokens === undefined || verb?.kind !== "word") return false;
  return Object.hasOwn(VERBS, verb.text) && VERBS[verb.text]!(tokens, afterVerb(tokens));
}

/** `[into] t [(a, b)] values (…), …` or `… set a = …`, and behind either perhaps `on duplicate key update a = …`. */
function isPlainInsert(tokens: readonly Token[], from: number): boolean {
  let at = afterName(tokens, tokens[from]?.text === "into" ? from + 1 : from);
  if (tokens[at]?.text === "(") {
    at++;
    while (isName(tokens[at]) || tokens[at]?.text === ",") at++;
    if (tokens[at++]?.text !== ")") return false;
  }
  const verb = tokens[at]?.text;
  if (verb === "set") at = afterList(tokens, at + 1, afterAssignment);
  else if (verb === "values" || verb === "value") at = afterList(tokens, at + 1, afterRow);
  else return false;
  if (UPSERT.every((word, n) => tokens[at + n]?.text === word))
    at = afterList(tokens, at + UPSERT.length, afterAssignment);
  return at === tokens.length;
}

const UPSERT = ["on", "duplicate", "key", "update"];

/** Reads on from a place: the place behind what it is for, `NO` where something else stands there. */
type After = (tokens: readonly Token[], from: number) => number;

/** One or more, with commas between them. */
function afterList(tokens: readonly Token[], from: number, after: After): number {
  let at = after(tokens, from);
  while (tokens[at]?.text === ",") at = after(tokens, at + 1);
  return at;
}

function afterRow(tokens: readonly Token[], from: number): number {
  if (tokens[from]?.text !== "(") return NO;
  if (tokens[from + 1]?.text === ")") return from + 2;
  const at = afterList(tokens, from + 1, afterValue);
  return tokens[at]?.text === ")" ? at + 1 : NO;
}

function afterAssignment(tokens: readonly Token[], from: number): number {
  const at = afterName(tokens, from);
  return tokens[at]?.text === "=" ? afterValue(tokens, at + 1) : NO;
}

/** A param alone, or a sum without one: its type is that of the first param. */
function afterValue(tokens: readonly Token[], from: number): number {
  return tokens[from]?.text === "?" ? from + 1 : afterSum(tokens, from);
}

function afterSum(tokens: readonly Token[], from: number): number {
  for (let at = from; ; at++) {
    if (tokens[at]?.text === "-") at++;
    at = afterOperand(tokens, at);
    if (!["+", "-", "*"].includes(tokens[at]?.text ?? "")) return at;
  }
}

/** A literal, a column, or the value that a column would have got. */
function afterOperand(tokens: readonly Token[], from: number): number {
  const token = tokens[from];
  if (!isName(token) || OF_THE_MOMENT.has(token!.text)) return NO;
  if (tokens[from + 1]?.text !== "(") return afterName(tokens, from);
  if (token!.text !== "values" && token!.text !== "value") return NO;
  const at = afterName(tokens, from + 2);
  return tokens[at]?.text === ")" ? at + 1 : NO;
}

/** One table, and then one of these words. */
function isPlainOn(tokens: readonly Token[], from: number, next: readonly string[]): boolean {
  const at = afterName(tokens, from);
  return next.includes(tokens[at]?.text ?? "") && arePlain(tokens, at);
}

function arePlain(tokens: readonly Token[], from: number): boolean {
  for (let at = from; at < tokens.length; at++) {
    const { kind, text } = tokens[at]!;
    if (kind === "mark") continue;
    if (tokens[at + 1]?.text === "(" && !BEFORE_BRACKET.has(text)) return false;
    if (kind === "word" && REFUSED.has(text)) return false;
  }
  return true;
}
