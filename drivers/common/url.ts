/**
 * `scheme://user:password@host:port/database?option=value`, as every driver reads it. What is wrong with a URL is said
 * without any of its text: it may hold a password.
 */
import { InterfaceError } from "../../src/errors/classes.js";

/** Longer ones take their time, and no server needs them. */
export const LONGEST_URL = 65_536;

/** A URL taken apart and decoded; what it does not say is undefined. */
export interface DatabaseUrl {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly options: URLSearchParams;
}

/** By the name of an option in URLs: how it is read, as the arguments that it stands for. */
export type UrlOptions<Args> = Readonly<Record<string, (option: UrlOption) => Partial<Args>>>;

/**
 * Takes a URL apart. Throws an `InterfaceError` for one of another scheme than `schemes`, the first of which is named
 * in it.
 */
export function readUrl(driver: string, schemes: readonly [string, ...string[]], text: string): DatabaseUrl {
  if (text.length > LONGEST_URL) throw malformedUrl(driver, schemes[0]);
  const hostless = userWithoutHost(text);
  const whole = hostless === undefined ? text : `${hostless}localhost${text.slice(hostless.length)}`;
  const parsed = parse(whole);
  if (parsed === undefined || !schemes.includes(parsed.protocol)) throw malformedUrl(driver, schemes[0]);
  const decode = (part: string, encoded: string): string | undefined => {
    const decoded = decodedText(encoded);
    if (decoded !== undefined) return decoded === "" ? undefined : decoded;
    throw new InterfaceError(
      `${driver}: the ${part} in the URL cannot be decoded: check the percent-encoding (% is written %25)`,
    );
  };
  decode("options", parsed.search);
  const host = decode("host", parsed.hostname.replace(/^\[(.*)\]$/, "$1"));
  return {
    user: decode("user", parsed.username),
    password: decode("password", parsed.password),
    host: hostless === undefined ? host : undefined,
    port: parsed.port === "" ? undefined : Number(parsed.port),
    database: decode("database", parsed.pathname.slice(1)),
    options: parsed.searchParams,
  };
}

export function malformedUrl(driver: string, scheme: string): InterfaceError {
  return new InterfaceError(
    `${driver}: the URL is malformed: expected ${scheme}//user:password@host:port/database, ` +
      "with / ? # @ % in user, password and database written as %2F %3F %23 %40 %25",
  );
}

/** What the options of a URL say, in their order. Throws an `InterfaceError` for one that is not in `known`. */
export function readOptions<Args>(
  driver: string,
  { user, options }: DatabaseUrl,
  known: UrlOptions<Args>,
): Partial<Args>[] {
  return Array.from(options, ([name, text]) => {
    const read = Object.hasOwn(known, name) ? known[name] : undefined;
    if (read !== undefined) return read(new UrlOption(driver, name, text));
    // Where no user stands before the host, the name may be a piece of a password.
    const shown = user === undefined ? "" : ` ${JSON.stringify(name)}`;
    throw new InterfaceError(
      `${driver}: unknown option${shown} in the URL: known are ${Object.keys(known).join(", ")}; ` +
        "give anything else as an object of connect arguments",
    );
  });
}

/** One option of a URL. What the text must be, and is not, is an `InterfaceError` without the text. */
export class UrlOption {
  readonly text: string;
  readonly #driver: string;
  readonly #name: string;

  constructor(driver: string, name: string, text: string) {
    this.#driver = driver;
    this.#name = name;
    this.text = text;
  }

  /** What a name of `choices` stands for. */
  oneOf<T>(choices: Readonly<Record<string, T>>, text = this.text): T {
    if (Object.hasOwn(choices, text)) return choices[text] as T;
    throw this.#refusal(`must be one of ${Object.keys(choices).join(", ")}`);
  }

  flag(): boolean {
    return this.oneOf({ true: true, false: false, "1": true, "0": false });
  }

  wholeNumber(): number {
    if (/^\d{1,10}$/.test(this.text) && Number(this.text) < 2 ** 31) return Number(this.text);
    throw this.#refusal("must be a whole number");
  }

  /** Letters, digits and underscores. */
  word(): string {
    if (/^\w+$/.test(this.text)) return this.text;
    throw this.#refusal("must be a name");
  }

  refusePath(): never {
    throw this.#refusal(
      "is refused: a URL must not name files to read; give `ssl` in an object of connect arguments instead",
    );
  }

  #refusal(fault: string): InterfaceError {
    return new InterfaceError(`${this.#driver}: the URL option ${this.#name} ${fault}`);
  }
}

/** The text of a URL, given as text or as an object; undefined for anything else. */
export function urlText(given: unknown): string | undefined {
  return given instanceof URL ? given.href : typeof given === "string" ? given : undefined;
}

/** A user before no host: the URL standard calls it a failure, and libpq takes the default host. */
function userWithoutHost(text: string): string | undefined {
  return /^[^:]+:\/\/[^/?#]*@(?=[/?#]|$)/.exec(text)?.[0];
}

/** Undefined also where a password that was not encoded may have become path, query or fragment. */
function parse(text: string): URL | undefined {
  const start = /^\s*[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0].length;
  // The parser takes tabs and ends of lines away, wherever they stand.
  if (start === undefined || text.includes("#") || /[\t\n\r]/.test(text.trim())) return undefined;
  const authority = /^[^/?]*/.exec(text.slice(start))![0];
  if (text.includes("@", start + authority.length) || !URL.canParse(text)) return undefined;
  return new URL(text);
}

/** Undefined too for a text with a NUL, which would end it early on its way to the server. */
function decodedText(encoded: string): string | undefined {
  try {
    const decoded = decodeURIComponent(encoded);
    return decoded.includes("\0") ? undefined : decoded;
  } catch {
    return undefined;
  }
}
