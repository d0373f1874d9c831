/** `postgres://user:password@host:port/database?option=value`, with the options that are known to be harmless. */
import type { ClientConfig } from "pg";
import { InterfaceError } from "../../../src/errors/classes.js";
import { hide } from "../../common/arguments.js";
import { ENCODED, LONGEST_URL, parsedUrl } from "../../common/url.js";
import { agreed, SSL_FLAGS, SSL_MODES, type Ssl } from "./ssl.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Config = Mutable<ClientConfig>;

export function configOf(url: string): ClientConfig {
  if (url.length > LONGEST_URL) throw malformed();
  // A user without a host is what the URL standard calls a failure, and PostgreSQL the default host.
  const hostless = /^[^:]+:\/\/[^/?#]*@(?=[/?#]|$)/.exec(url)?.[0];
  const parsed = parse(hostless === undefined ? url : `${hostless}localhost${url.slice(hostless.length)}`);
  const config: Config = {};
  const set = (key: "user" | "password" | "host" | "database", text: string) => {
    if (text !== "") config[key] = decode(key, text);
  };
  set("user", parsed.username);
  set("password", parsed.password);
  if (hostless === undefined) set("host", parsed.hostname.replace(/^\[(.*)\]$/, "$1"));
  set("database", parsed.pathname.slice(1));
  if (parsed.port !== "") config.port = Number(parsed.port);
  decode("options", parsed.search);
  for (const [option, value] of parsed.searchParams) {
    const known = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
    if (known === undefined) throw unknownOption(option);
    const [setting, read] = known;
    const said = read(option, value);
    Object.assign(config, { [setting]: setting === "ssl" ? agreed(config.ssl, said as Ssl) : said });
  }
  if (needsTls(parsed.searchParams)) Object.assign(config, { ssl: agreed(config.ssl, config.ssl || true) });
  hide(config, ["password"]);
  return config;
}

/** Options that mean nothing without TLS: a URL that has one asks for it, as it does in libpq. */
function needsTls(options: URLSearchParams): boolean {
  return (
    options.getAll("channel_binding").includes("require") ||
    options.getAll("sslnegotiation").includes("direct")
  );
}

const NEGOTIATIONS = { postgres: "postgres", direct: "direct" } as const;
const BINDINGS = { require: true, prefer: true, disable: false };
const ENCODINGS = { utf8: "utf8", "utf-8": "utf8", auto: "utf8" };

/** How the text of an option is read. Throws what is wrong with it. */
type Read = (option: string, text: string) => unknown;

/** By its name in URLs: the setting of pg that it is, and how its text is read. */
const OPTIONS: Readonly<Record<string, readonly [setting: keyof ClientConfig, read: Read]>> = {
  host: ["host", asIs],
  port: ["port", wholeNumber],
  sslmode: ["ssl", oneOf(SSL_MODES)],
  ssl: ["ssl", oneOf(SSL_FLAGS)],
  sslnegotiation: ["sslnegotiation", oneOf(NEGOTIATIONS)],
  channel_binding: ["enableChannelBinding", oneOf(BINDINGS)],
  application_name: ["application_name", asIs],
  fallback_application_name: ["fallback_application_name", asIs],
  connect_timeout: ["connectionTimeoutMillis", (option, text) => wholeNumber(option, text) * 1_000],
  statement_timeout: ["statement_timeout", wholeNumber],
  lock_timeout: ["lock_timeout", wholeNumber],
  idle_in_transaction_session_timeout: ["idle_in_transaction_session_timeout", wholeNumber],
  options: ["options", asIs],
  client_encoding: ["client_encoding", (option, text) => choose(option, ENCODINGS, text.toLowerCase())],
  sslcert: ["ssl", refusePath],
  sslkey: ["ssl", refusePath],
  sslrootcert: ["ssl", refusePath],
};

function parse(url: string): URL {
  const parsed = parsedUrl(url);
  if (parsed === undefined) throw malformed();
  if (parsed.protocol !== "postgres:" && parsed.protocol !== "postgresql:") {
    throw new InterfaceError("a PostgreSQL URL starts with postgres: or postgresql:");
  }
  return parsed;
}

function malformed(): InterfaceError {
  return new InterfaceError(
    `the PostgreSQL URL is malformed: expected postgres://user:password@host:port/database, ${ENCODED}`,
  );
}

/** The cause would repeat the text, and a NUL would end it early on its way to the server. */
function decode(part: string, text: string): string {
  let decoded = "\0";
  try {
    decoded = decodeURIComponent(text);
  } catch {}
  if (!decoded.includes("\0")) return decoded;
  throw new InterfaceError(`the ${part} in the PostgreSQL URL cannot be decoded: check the percent-encoding`);
}

function choose<T>(option: string, choices: Readonly<Record<string, T>>, value: string): T {
  if (Object.hasOwn(choices, value)) return choices[value] as T;
  throw new InterfaceError(`URL option ${option} must be one of ${Object.keys(choices).join(", ")}`);
}

function asIs(_option: string, text: string): string {
  return text;
}

function oneOf(choices: Readonly<Record<string, unknown>>): Read {
  return (option, text) => choose(option, choices, text);
}

function wholeNumber(option: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new InterfaceError(`URL option ${option} must be a whole number`);
}

function refusePath(option: string): never {
  throw new InterfaceError(
    `URL option ${option} is refused: a URL must not name files to read; give \`ssl\` in an object instead`,
  );
}

function unknownOption(option: string): InterfaceError {
  return new InterfaceError(
    `unknown option ${JSON.stringify(option)} in the PostgreSQL URL; known are ${Object.keys(OPTIONS)
      .filter((name) => !name.startsWith("ssl") || name === "sslmode")
      .join(", ")}`,
  );
}
