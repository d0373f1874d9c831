/**
 * pg's parsers read dates in the style ISO and intervals in the style postgres, and make null or an empty interval of
 * anything else. The session asks for these styles, but may be told others later: what is not written as they expect is
 * refused.
 */
import { DataError, NotSupportedError } from "../../../src/errors/classes.js";
import type { Execution } from "../execution.js";
import { factsOfRow, type Greeting } from "../names/facts.js";
import type { ParseText } from "./codec.js";

/** What the parsers expect each setting to be; DateStyle has the order of day and month behind it. */
const READABLE = { DateStyle: "ISO", IntervalStyle: "postgres" } as const;
const UTF8 = /^(?:utf-?8|unicode)$/i;

type Setting = keyof typeof READABLE;

/** How a session writes its values, as far as the server tells. */
export class Styles {
  /**
   * `extra_float_digits`, which the server does not report: as it was when it was last asked for. Below 1 it rounds.
   */
  #floatDigits = 1;
  /** A caller has named it, for as long. */
  #chosen: "transaction" | "session" | undefined;
  /**
   * The role, the database or the server would have it below 1: what does not name it lowers it too, RESET ALL in a
   * function.
   */
  undone = false;
  readonly #reported = new Map<Setting, string>();
  /** Whether something was reported that has not been looked at. */
  news = false;

  /** What texts travel in, where that is not UTF-8, which is all that pg reads and writes. */
  #encoding: string | undefined;

  /** Hears what the server reports. */
  report(setting: string, value: string): void {
    if (setting === "client_encoding") {
      this.#encoding = UTF8.test(value) ? undefined : value;
      this.news = true;
    }
    if (!Object.hasOwn(READABLE, setting)) return;
    this.#reported.set(setting as Setting, value);
    this.news = true;
  }

  of(setting: Setting): string | undefined {
    return this.#reported.get(setting);
  }

  greeted({ floatDigits, hadFloatDigits }: Greeting): void {
    this.#floatDigits = floatDigits;
    this.#chosen = undefined;
    this.undone ||= hadFloatDigits < 1;
  }

  /** Whether what was said to the session past the driver may have put it into a state that is not noticed. */
  get doubtful(): boolean {
    return this.undone || this.#encoding !== undefined;
  }

  get roundsFloats(): boolean {
    return this.#floatDigits < 1;
  }

  /**
   * Whether the styles have to be asked for again: they are those of the role, the database or the server again, after
   * RESET, or as the server has read its configuration anew. What the caller has said by name is left alone.
   */
  lost(execution: Execution): boolean {
    const { statement, tag, error, notable, use, lookedAhead, lookedBehind } = execution;
    const { news } = this;
    // What was on its way meanwhile is in that encoding too.
    this.news = this.#encoding !== undefined;
    if (this.#encoding !== undefined && statement !== undefined) {
      execution.error ??= notUtf8(this.#encoding);
      return true;
    }
    const looked = lookedBehind ?? lookedAhead;
    if (looked !== undefined && this.#lowered(looked, execution)) return true;
    if (execution.isScript && this.#mayLower(statement?.sql ?? "")) return true;
    // Of a procedure that failed a part may be committed.
    if (error !== undefined) return this.undone && use?.kind === "runs";
    if (notable === undefined && !news) return false;
    if (statement === undefined && tag.startsWith("SELECT")) return false;
    if (tag === "RESET" || tag === "DISCARD ALL") return true;
    const sql = statement?.sql ?? "";
    if (tag === "SET" && TO_DEFAULT.test(sql)) return true;
    if (tag === "SET" && FLOAT_DIGITS.test(sql)) this.#chosen = LOCAL.test(sql) ? "transaction" : "session";
    if (tag === "ROLLBACK" || (tag === "COMMIT" && this.#chosen === "transaction")) this.#chosen = undefined;
    if (!news || tag === "SET" || /set_config/i.test(sql)) return false;
    return [...this.#reported].some(([setting, value]) => value.split(",", 1)[0] !== READABLE[setting]);
  }

  /** Whether a script may have done what one of its statements does by itself. */
  #mayLower(sql: string): boolean {
    if (FLOAT_DIGITS.test(sql)) this.#chosen = "session";
    return this.undone && this.#chosen === undefined;
  }

  /** What runs code has lowered it. Floats that came in the same answer are rounded, and are not given away. */
  #lowered(row: readonly unknown[], execution: Execution): boolean {
    const { floatDigits } = factsOfRow(row);
    const { statement, shape } = execution;
    if (floatDigits > 0) this.#chosen = undefined;
    else if (FLOAT_DIGITS.test(statement?.sql ?? "")) this.#chosen = "session";
    if (floatDigits > 0 || this.#chosen !== undefined) return false;
    this.#floatDigits = floatDigits;
    execution.lowered = true;
    if (shape.fields.some(({ dataTypeID }) => GROUPS.get(dataTypeID) === FLOAT))
      execution.error ??= roundedFloats();
    return true;
  }
}

/** By SET or by set_config, and not what RESET gives. */
const FLOAT_DIGITS = /\bextra_float_digits['"]?\s{0,9}(?:=|,|\bto\b)(?!\s{0,9}default\b)/i;
const LOCAL = /^\s*set\s+local\b/i;
/** The same as RESET. */
const TO_DEFAULT = /(?:=|\bto)\s*default[\s;]*$/i;

/**
 * The parser of a type, made to refuse what it would misread. One that the caller has replaced by something else stays
 * as it is.
 */
export function guarded(oid: number, parse: ParseText, styles: Styles): ParseText {
  const group = GROUPS.get(oid);
  if (group === undefined) return parse;
  if (group.what === "float")
    return (text) => {
      if (styles.roundsFloats) throw roundedFloats();
      return parse(text);
    };
  if (!group.isPackages(parse)) return parse;
  return (text) => {
    if (!group.isReadable(text)) throw unreadableStyle(group, styles);
    return parse(text);
  };
}

interface Group {
  readonly what: "date" | "interval" | "float";
  /** Whether it makes an object of the text, and not a text of it. */
  isPackages(parse: ParseText): boolean;
  isReadable(text: string): boolean;
}

const DATE: Group = {
  what: "date",
  isPackages: (parse) => attempt(parse, "1999-01-08") instanceof Date,
  isReadable: (text) => ISO_DATE.test(text),
};
const INTERVAL: Group = {
  what: "interval",
  isPackages: (parse) => isOneDay(attempt(parse, "1 day")),
  isReadable: (text) => POSTGRES_INTERVAL.test(text),
};
const FLOAT: Group = { what: "float", isPackages: () => true, isReadable: () => true };

/** date, timestamp, timestamptz, interval, float4, float8, point, circle, and arrays of them. */
const GROUPS: ReadonlyMap<number, Group> = new Map([
  ...[1082, 1114, 1184].map((oid) => [oid, DATE] as const),
  ...[1182, 1115, 1185].map((oid) => [oid, arrayOf(DATE, "{1999-01-08}")] as const),
  [1186, INTERVAL],
  [1187, arrayOf(INTERVAL, "{1 day}")],
  ...[700, 701, 1021, 1022, 600, 1017, 718, 719].map((oid) => [oid, FLOAT] as const),
]);

const ISO_DATE = /^(?:\d{4,}-\d\d-\d\d(?:[ T].*)?(?: BC)?|-?infinity)$/;
const POSTGRES_INTERVAL =
  /^(?:[-+]?\d+ years? ?)?(?:[-+]?\d+ mons? ?)?(?:[-+]?\d+ days? ?)?(?:[-+]?\d\d+:\d\d:\d\d(?:\.\d+)?)?$/;

function arrayOf(group: Group, sample: string): Group {
  return {
    what: group.what,
    isPackages: (parse) => {
      const parsed = attempt(parse, sample);
      return Array.isArray(parsed) && group.isPackages(() => parsed[0]);
    },
    // `[0:1]={...}` has its bounds in front. Neither style has a character of this set in it, and what has one is not
    // readable.
    isReadable: (text) =>
      text
        .slice(text.indexOf("{"))
        .split(/[{},"]/)
        .every((part) => part === "" || part === "NULL" || group.isReadable(part)),
  };
}

function attempt(parse: ParseText, text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function isOneDay(value: unknown): boolean {
  return typeof value === "object" && value !== null && (value as { days?: unknown }).days === 1;
}

function unreadableStyle({ what }: Group, styles: Styles): DataError {
  const setting = what === "date" ? "DateStyle" : "IntervalStyle";
  const right = READABLE[setting];
  const is = styles.of(setting);
  return new DataError(
    `a ${what} of the result is not written in the style that it is read by (${setting} is ${is ?? "unknown"}): ` +
      `set ${setting} to ${right}, for the role or the database where a pooler stands between, or select it as text`,
  );
}

function notUtf8(encoding: string): NotSupportedError {
  return new NotSupportedError(
    `client_encoding was set to ${encoding}, and pg reads and writes nothing but UTF-8: it is put back to UTF8; ` +
      "for text in another encoding select convert_to(…), which gives its bytes",
  );
}

function roundedFloats(): DataError {
  return new DataError(
    "the server rounds the floating-point numbers of the result (extra_float_digits is below 1, behind a pooler, where it cannot be set, " +
      "or lowered by what the statement ran): set it to 1 for the role or the database (the server rounds what is cast to text or numeric, too)",
  );
}
