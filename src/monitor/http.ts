import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { brotliDecompressSync } from "node:zlib";
import type { Access } from "./access.js";

/** By path, below that of the page. */
type Assets = ReadonlyMap<string, { readonly type: string; readonly body: Buffer }>;

/** The page's own, as the build left them, and those of the package that draws its charts. */
const OWN = { "": "index.html", "page.js": "page.js", "page.css": "page.css" };
const CHARTS = { "uplot.js": "uplot/dist/uPlot.esm.js", "uplot.css": "uplot/dist/uPlot.min.css" };

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
  if (path === "") return "text/html; charset=utf-8";
  return path.endsWith(".js") ? "text/javascript; charset=utf-8" : "text/css; charset=utf-8";
}

export function answer(
  access: Access,
  assets: Assets,
  snapshot: () => string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = access.assetOf(request);
  const asset = path === undefined ? undefined : assets.get(path);
  const plain = path === "snapshot";
  if (!access.isTrusted(request)) say(response, 403, "Open the monitor by its address.\n");
  else if (path === undefined) say(response, 403, "Open the monitor by its whole url.\n");
  else if (request.method !== "GET" && request.method !== "HEAD") say(response, 405, "Only GET.\n");
  else if (plain) say(response, 200, snapshot());
  else if (asset === undefined) say(response, 404, "Not found.\n");
  else {
    response.writeHead(200, { ...HEADERS, "Content-Type": asset.type, "Content-Length": asset.body.length });
    response.end(asset.body);
  }
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, "Content-Type": "text/plain; charset=utf-8" });
  response.end(text);
}
