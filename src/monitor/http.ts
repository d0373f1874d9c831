import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { brotliDecompressSync } from "node:zlib";

/** By path. */
type Assets = ReadonlyMap<string, { readonly type: string; readonly body: Buffer }>;

/** The page's own, as the build left them, and those of the package that draws its charts. */
const OWN = { "/": "index.html", "/page.js": "page.js", "/page.css": "page.css" };
const CHARTS = { "/uplot.js": "uplot/dist/uPlot.esm.js", "/uplot.css": "uplot/dist/uPlot.min.css" };

const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** Fails as `require` does without the package `uplot`. */
export async function loadAssets(): Promise<Assets> {
  const folder = new URL("./page/", import.meta.url);
  const { resolve } = createRequire(import.meta.url);
  const own = Object.entries(OWN).map(async ([path, file]) => {
    return [path, brotliDecompressSync(await readFile(new URL(`${file}.br`, folder)))] as const;
  });
  const charts = Object.entries(CHARTS).map(async ([path, file]) => {
    return [path, await readFile(resolve(file))] as const;
  });
  const assets = await Promise.all([...own, ...charts]);
  return new Map(assets.map(([path, body]) => [path, { type: typeOf(path), body }]));
}

function typeOf(path: string): string {
  if (path === "/") return "text/html; charset=utf-8";
  return path.endsWith(".js") ? "text/javascript; charset=utf-8" : "text/css; charset=utf-8";
}

export function answer(assets: Assets, request: IncomingMessage, response: ServerResponse): void {
  const asset = assets.get(request.url?.split("?", 1)[0] ?? "");
  if (!isTrusted(request)) refuse(response, 403, "Open the monitor by the address it listens on.\n");
  else if (request.method !== "GET" && request.method !== "HEAD") refuse(response, 405, "Only GET.\n");
  else if (asset === undefined) refuse(response, 404, "Not found.\n");
  else {
    response.writeHead(200, { ...HEADERS, "Content-Type": asset.type, "Content-Length": asset.body.length });
    response.end(asset.body);
  }
}

/**
 * Whether the request may come from our own page. A browser lets any web page open WebSockets to this machine, and a
 * foreign name may be pointed at a loopback address (DNS rebinding): both show in the headers that scripts cannot set.
 */
export function isTrusted({ headers, socket }: IncomingMessage): boolean {
  const { host, origin } = headers;
  if (host === undefined) return false;
  if (origin !== undefined && hostOf(origin) !== host) return false;
  return !isLoopback(socket.localAddress ?? "") || isLoopback(nameIn(host));
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

/** The name or address in a Host header, without port and brackets. */
function nameIn(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, "Content-Type": "text/plain; charset=utf-8" });
  response.end(text);
}
