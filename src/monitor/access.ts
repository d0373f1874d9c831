/**
 * Who may see a monitor's page: a client that asks for it by a name that no stranger can point here, and, from another
 * machine, has its token.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import type { OptionCheck } from "../options/option-checks.js";

/** As URL paths have them; shorter ones can be guessed. */
const TOKEN = /^[\w-]{16,256}$/;

/** What a name may hold; a browser's URL takes other marks too, such as a `*`, which would stand for itself alone. */
const NAME = /^[a-z0-9._-]{1,253}$/;

export const isToken: OptionCheck = (value) =>
  typeof value === "string" && TOKEN.test(value) ? undefined : "16 to 256 letters, digits, - and _";

export const isHostNames: OptionCheck = (value) =>
  Array.isArray(value) && value.every(isHostName)
    ? undefined
    : "a list of names as a browser sends them, in lower case and without a port";

function isHostName(name: unknown): boolean {
  if (typeof name !== "string" || !NAME.test(name)) return false;
  return URL.canParse(`http://${name}/`) && new URL(`http://${name}/`).host === name;
}

export class Access {
  readonly #names: ReadonlySet<string>;
  readonly #given: string | undefined;
  #token: string | undefined;

  constructor(names: readonly string[], token: string | undefined) {
    this.#names = new Set(names);
    this.#given = token;
  }

  /**
   * The path that all of the page is under: `/`, or `/TOKEN/` where it is given, or where other machines reach this
   * address.
   */
  begin({ address }: AddressInfo): string {
    this.#token = this.#given ?? (isLoopback(address) ? undefined : randomBytes(24).toString("base64url"));
    return this.path;
  }

  get path(): string {
    return this.#token === undefined ? "/" : `/${this.#token}/`;
  }

  /** What of the page is asked for, as `"page.js"`; undefined where the token is missing. */
  assetOf({ url = "" }: IncomingMessage): string | undefined {
    const [path = ""] = url.split("?", 1);
    const base = this.path;
    return sameText(path.slice(0, base.length), base) ? path.slice(base.length) : undefined;
  }

  /**
   * Whether the request may come from our own page. A browser lets any web page open WebSockets to this machine, and a
   * foreign name may be pointed at our address (DNS rebinding): both show in the headers that scripts cannot set. An
   * address in them cannot be pointed anywhere.
   */
  isTrusted({ headers }: IncomingMessage): boolean {
    const { host, origin } = headers;
    if (host === undefined) return false;
    // A TLS proxy may stand in front; pages of other schemes (a browser's extensions) are never ours.
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) return false;
    const name = nameIn(host);
    return name === "localhost" || isIP(name) !== 0 || this.#names.has(name);
  }
}

/** An address that opens on this machine, for one that a server listens on: it may stand for all of them. */
export function openable({ address, family, port }: AddressInfo): string {
  const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
  return `http://${family === "IPv6" ? `[${host}]` : host}:${port}`;
}

function sameText(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The name or address in a Host header, without port and brackets. */
function nameIn(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
}
