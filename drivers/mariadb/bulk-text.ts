/**
 * Which texts give the same in bulk as one by one. MariaDB runs an INSERT for all lists as one statement: what it takes for constant is computed for the
 * first alone (subqueries), and time stands still. So only plain forms count, of values and functions that follow from their arguments.
 */

interface Token {
  readonly kind: "word" | "quoted" | "mark";
  /** Words in lower case; of what is quoted nothing. */
  readonly text: string;
}

/** Words that give a clause, a query or a value of the moment. */
const REFUSED = new Set(
  (
    "select returning table with union except intersect next previous for using join into procedure delayed sysdate " +
    "current_timestamp current_date current_time localtime localtimestamp utc_timestamp utc_date utc_time now"
  ).split(" "),
);

/** What is longer is no plain form, and reading it would hold the event loop. */
const LONGEST = 65_536;

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
const MODIFIERS = new Set(["ignore", "low_priority", "high_priority", "quick"]);

export function isPlain(sql: string): boolean {
  if (sql.length > LONGEST) return false;
  const tokens = tokensOf(sql);
  const verb = tokens?.[0];
  if (tokens === undefined || verb?.kind !== "word") return false;
  let at = 1;
  while (MODIFIERS.has(tokens[at]?.text ?? "")) at++;
  return Object.hasOwn(VERBS, verb.text) && VERBS[verb.text]!(tokens, at);
}

/** `[into] t [(a, b)] values …` or `… set …`. */
function isPlainInsert(tokens: readonly Token[], from: number): boolean {
  let at = afterName(tokens, tokens[from]?.text === "into" ? from + 1 : from);
  if (tokens[at]?.text === "(") {
    at++;
    while (isName(tokens[at]) || tokens[at]?.text === ",") at++;
    if (tokens[at++]?.text !== ")") return false;
  }
  return ["values", "value", "set"].includes(tokens[at]?.text ?? "") && arePlain(tokens, at);
}

/** One table, and then one of these words. */
function isPlainOn(tokens: readonly Token[], from: number, next: readonly string[]): boolean {
  const at = afterName(tokens, from);
  return next.includes(tokens[at]?.text ?? "") && arePlain(tokens, at);
}

/** Behind `t` or `d.t`. */
function afterName(tokens: readonly Token[], from: number): number {
  if (!isName(tokens[from])) return tokens.length;
  return tokens[from + 1]?.text === "." ? afterName(tokens, from + 2) : from + 1;
}

function isName(token: Token | undefined): boolean {
  return token !== undefined && token.kind !== "mark";
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

const WORD = /[\w$\u0080-\uffff]/;

/** Undefined where quotes, comments or signs leave a doubt of what is what. */
function tokensOf(sql: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    const char = sql[at]!;
    if (/\s/.test(char)) at++;
    else if (char === "'" || char === '"' || char === "`") {
      const end = sql.indexOf(char, at + 1);
      if (end < 0 || sql.slice(at, end).includes("\\")) return undefined;
      // A doubled quote ends one and begins the next, which makes no difference here.
      tokens.push({ kind: "quoted", text: "" });
      at = end + 1;
    } else if (WORD.test(char)) {
      let end = at + 1;
      while (end < sql.length && WORD.test(sql[end]!)) end++;
      tokens.push({ kind: "word", text: sql.slice(at, end).toLowerCase() });
      at = end;
    } else {
      if ("#;@:\\{".includes(char) || sql.startsWith("--", at) || sql.startsWith("/*", at)) return undefined;
      tokens.push({ kind: "mark", text: char });
      at++;
    }
  }
  return tokens;
}
