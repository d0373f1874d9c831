/**
 * `mysql://user:password@host:port/database?option=value`, for both packages; what they read from a URL themselves is
 * too much.
 */
import { malformedUrl, readOptions, readUrl, type UrlOptions } from "../../common/url.js";

export interface UrlArgs {
  host: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
  charset?: string;
  timezone?: string;
  connectTimeout?: number;
  compress?: true;
  dateStrings?: true;
  ssl?: { readonly rejectUnauthorized: true; readonly verifyIdentity?: true };
}

/** TLS that checks chain and name: mysql2 does the latter only when it is told to, mariadb always. */
const CHECKED = {
  mysql2: { rejectUnauthorized: true, verifyIdentity: true },
  mariadb: { rejectUnauthorized: true },
} as const;

type Package = keyof typeof CHECKED;

/** Throws an `InterfaceError` that never shows the URL: it may hold a password. */
export function parseUrl(driver: Package, text: string): UrlArgs {
  const url = readUrl(driver, ["mysql:", "mariadb:"], text);
  const { options, ...parts } = url;
  if (parts.host === undefined) throw malformedUrl(driver, "mysql:");
  const given = Object.entries(parts).filter(([, value]) => value !== undefined);
  return Object.assign(Object.fromEntries(given), ...readOptions(driver, url, optionsOf(driver)));
}

function optionsOf(driver: Package): UrlOptions<UrlArgs> {
  return {
    charset: (option) => ({ charset: option.word() }),
    timezone: ({ text }) => ({ timezone: text.replace(/^ /, "+") }),
    connectTimeout: (option) => ({ connectTimeout: option.wholeNumber() }),
    compress: (option) => (option.flag() ? { compress: true } : {}),
    dateStrings: (option) => (option.flag() ? { dateStrings: true } : {}),
    ssl: (option) => (option.flag() ? { ssl: { ...CHECKED[driver] } } : {}),
  };
}
