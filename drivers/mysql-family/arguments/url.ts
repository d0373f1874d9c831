/**
 * `mysql://user:password@host:port/database?option=value`, for both packages; what they read from a URL themselves is
 * too much.
 */
import { InterfaceError } from "../../../src/errors/classes.js";
import { ENCODED, parsedUrl } from "../../common/url.js";

export interface UrlArgs {
  host: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
  charset?: string;
  timezone?: string;
  connectTimeout?: number;
  compress?: boolean;
  dateStrings?: boolean;
  ssl?: { rejectUnauthorized: true; verifyIdentity?: true };
}

/** TLS that checks chain and name: mysql2 does the latter only when it is told to, mariadb always. */
const CHECKED = {
  mysql2: { rejectUnauthorized: true, verifyIdentity: true },
  mariadb: { rejectUnauthorized: true },
} as const;

type Package = keyof typeof CHECKED;

type Read = (value: string, driver: Package) => Partial<UrlArgs> | undefined;

const OPTIONS: Readonly<Record<string, Read>> = {
  charset: (value) => (/^\w+$/.test(value) ? { charset: value } : undefined),
  timezone: (value) => ({ timezone: value.replace(/^ /, "+") }),
  connectTimeout: (value) => (/^\d+$/.test(value) ? { connectTimeout: Number(value) } : undefined),
  compress: (value) => flag(value, { compress: true }),
  dateStrings: (value) => flag(value, { dateStrings: true }),
  ssl: (value, driver) => flag(value, { ssl: { ...CHECKED[driver] } }),
};

/** Throws an `InterfaceError` that never shows the URL: it may hold a password. */
export function parseUrl(driver: Package, url: string): UrlArgs {
  const parsed = parsedUrl(url);
  if (parsed === undefined || !["mysql:", "mariadb:"].includes(parsed.protocol) || parsed.hostname === "") {
    throw new InterfaceError(
      `${driver}: not a URL of the form mysql://user:password@host:port/database, ${ENCODED}`,
    );
  }
  const decode = (part: string): string | undefined => {
    let decoded = "\0";
    try {
      decoded = decodeURIComponent(part);
    } catch {}
    if (decoded.includes("\0"))
      throw new InterfaceError(`${driver}: the URL is not encoded rightly: write % as %25`);
    return decoded === "" ? undefined : decoded;
  };
  const args: Record<string, unknown> = {
    host: decode(parsed.hostname.replace(/^\[(.*)\]$/, "$1")),
    port: parsed.port === "" ? undefined : Number(parsed.port),
    user: decode(parsed.username),
    password: decode(parsed.password),
    database: decode(parsed.pathname.slice(1)),
  };
  for (const [name, value] of parsed.searchParams) {
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name]!(value, driver) : undefined;
    if (option === undefined) {
      const known = Object.keys(OPTIONS).join(", ");
      throw new InterfaceError(
        `${driver}: the URL has an option or a value that is not allowed there (allowed: ${known}); ` +
          "give anything else as an object of connect arguments",
      );
    }
    Object.assign(args, option);
  }
  return Object.fromEntries(
    Object.entries(args).filter(([, value]) => value !== undefined),
  ) as unknown as UrlArgs;
}

function flag<T>(value: string, on: T): T | Record<string, never> | undefined {
  return value === "true" || value === "1" ? on : value === "false" || value === "0" ? {} : undefined;
}
