/**
 * Where the params of a plain statement go (`isPlain` in `bulk-text.ts`). What a param leaves that is all of a value
 * depends on its type and on its column's alone.
 */
import { afterName, afterVerb, isName, type Token, tokensOf } from "./sql-tokens.js";

export interface ParamColumns {
  /** Asks for the columns, and gives no row. */
  readonly sql: string;
  /** Of each param its column among those of `sql`, as `Array.at` counts; undefined where it is more than stored. */
  readonly places: readonly (number | undefined)[];
}

/** Undefined where none of the params is stored as it is. */
export function columnsOfParams(sql: string): ParamColumns | undefined {
  const tokens = tokensOf(sql) ?? [];
  if (tokens[0]?.text === "delete") return undefined;
  const text = (from: number, to: number): string => sql.slice(tokens[from]!.from, tokens[to - 1]!.to);
  let from = afterVerb(tokens);
  if (tokens[from]?.text === "into") from++;
  let at = afterName(tokens, from);
  if (at >= tokens.length) return undefined;
  const table = text(from, at);
  const columnAt = (from: number, to: number): string =>
    to === from + 1 ? `${table}.${text(from, to)}` : text(from, to);

  let listed: string[] | undefined;
  if (tokens[at]!.text === "(") {
    const end = tokens.findIndex(({ text }) => text === ")");
    const isListed = (place: number) => place > at && place < end && isName(tokens[place]);
    listed = [...tokens.keys()].filter(isListed).map((place) => columnAt(place, place + 1));
    at = end + 1;
  }
  const targets: (string | number | undefined)[] = [];
  let inRows = tokens[at]?.text !== "set";
  let inSet = !inRows;
  let depth = 0;
  let index = 0;
  for (; at < tokens.length; at++) {
    const { kind, text } = tokens[at]!;
    if (text === "(" && depth++ === 0) index = 0;
    else if (text === ")") depth--;
    else if (text === "," && depth === 1) index++;
    else if (kind === "word" && depth === 0 && text === "on") [inRows, inSet] = [false, true];
    else if (kind === "word" && depth === 0 && BEHIND_SET.has(text)) inSet = false;
    else if (text === "?") {
      const assigned = inSet && depth === 0 ? assignedBy(tokens, at) : undefined;
      if (assigned !== undefined) targets.push(columnAt(assigned, at - 1));
      else
        targets.push(inRows && depth === 1 && isAlone(tokens, at) ? (listed?.[index] ?? index) : undefined);
    }
  }
  const names = [...new Set(targets.filter((target) => typeof target === "string"))];
  const whole = targets.some((target) => typeof target === "number") ? [`${table}.*`] : [];
  const asked = [...whole, ...names];
  if (asked.length === 0) return undefined;
  return {
    sql: `SELECT ${asked.join(", ")} FROM ${table} LIMIT 0`,
    places: targets.map((target) =>
      typeof target === "string" ? names.indexOf(target) - names.length : target,
    ),
  };
}

/** Words that end a list of assignments. */
const BEHIND_SET = new Set(["where", "order", "limit"]);

/** Whether the param is all of an item of a list in brackets. */
function isAlone(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]!.text;
  const next = tokens[at + 1]?.text;
  return (before === "(" || before === ",") && (next === "," || next === ")");
}

/** Of `a.b = ?`, where that is an assignment, where its name begins. */
function assignedBy(tokens: readonly Token[], at: number): number | undefined {
  const next = tokens[at + 1];
  const isWhole = next === undefined || next.text === "," || next.text === "on" || BEHIND_SET.has(next.text);
  if (tokens[at - 1]?.text !== "=" || !isWhole) return undefined;
  let from = at - 2;
  while (tokens[from - 1]?.text === "." && isName(tokens[from - 2])) from -= 2;
  const before = tokens[from - 1]?.text;
  return isName(tokens[from]) && (before === "set" || before === "," || before === "update")
    ? from
    : undefined;
}
