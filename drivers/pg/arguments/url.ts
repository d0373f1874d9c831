/** `postgres://user:password@host:port/database?option=value`, with the options that are known to be harmless. */
import type { ClientConfig } from "pg";
import { hide } from "../../common/arguments.js";
import { readOptions, readUrl, type UrlOptions } from "../../common/url.js";
import { agreed, SSL_FLAGS, SSL_MODES } from "./ssl.js";

const NEGOTIATIONS = { postgres: "postgres", direct: "direct" } as const;
const BINDINGS = { require: true, prefer: true, disable: false };
const ENCODINGS = { utf8: "utf8", "utf-8": "utf8", auto: "utf8" };

const OPTIONS: UrlOptions<ClientConfig> = {
  host: ({ text }) => ({ host: text }),
  port: (option) => ({ port: option.wholeNumber() }),
  sslmode: (option) => ({ ssl: option.oneOf(SSL_MODES) }),
  ssl: (option) => ({ ssl: option.oneOf(SSL_FLAGS) }),
  sslnegotiation: (option) => ({ sslnegotiation: option.oneOf(NEGOTIATIONS) }),
  channel_binding: (option) => ({ enableChannelBinding: option.oneOf(BINDINGS) }),
  application_name: ({ text }) => ({ application_name: text }),
  fallback_application_name: ({ text }) => ({ fallback_application_name: text }),
  connect_timeout: (option) => ({ connectionTimeoutMillis: option.wholeNumber() * 1_000 }),
  statement_timeout: (option) => ({ statement_timeout: option.wholeNumber() }),
  lock_timeout: (option) => ({ lock_timeout: option.wholeNumber() }),
  idle_in_transaction_session_timeout: (option) => ({
    idle_in_transaction_session_timeout: option.wholeNumber(),
  }),
  options: ({ text }) => ({ options: text }),
  client_encoding: (option) => ({ client_encoding: option.oneOf(ENCODINGS, option.text.toLowerCase()) }),
  sslcert: (option) => option.refusePath(),
  sslkey: (option) => option.refusePath(),
  sslrootcert: (option) => option.refusePath(),
};

/** Throws an `InterfaceError` that never shows the URL: it may hold a password. */
export function configOf(text: string): ClientConfig {
  const url = readUrl("pg", ["postgres:", "postgresql:"], text);
  const { options, ...parts } = url;
  const given = Object.entries(parts).filter(([, value]) => value !== undefined);
  const config: ClientConfig = Object.fromEntries(given);
  for (const said of readOptions("pg", url, OPTIONS)) {
    const ssl = "ssl" in said ? { ssl: agreed(config.ssl, said.ssl) } : {};
    Object.assign(config, said, ssl);
  }
  if (needsTls(options)) Object.assign(config, { ssl: agreed(config.ssl, config.ssl || true) });
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
