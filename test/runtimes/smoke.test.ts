/**
 * Each driver on each runtime, installed from the registry: `npm run test:bun`, `npm run test:deno`. The table of
 * docs/runtimes.md is what a run gives: `ADBAPI_WRITE_RUNTIMES=1 npx vitest run test/runtimes` writes it.
 */
import { execFile } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { SERVER_OF, TARGET_NAMES, type TargetName } from "../support/selection.js";
import { serverUrl } from "../support/servers.js";
import { install, RUNTIMES } from "./install.js";

type Works = Readonly<Record<string, true | string>>;
type Place = Awaited<ReturnType<typeof install>>;

const PAGE = new URL("../../docs/runtimes.md", import.meta.url);
const CHECKS = new URL("../../scripts/runtimes/checks.js", import.meta.url);
const run = promisify(execFile);

for (const name of Object.keys(RUNTIMES) as (keyof typeof RUNTIMES)[]) {
  const { title } = RUNTIMES[name];
  test(title, { timeout: 240_000 }, async ({ skip }) => {
    const place = await install(name).catch((error: Error) => {
      console.warn(`${title} cannot be installed here, so nothing is run on it: ${error.message}`);
      return skip("cannot be installed here");
    });
    copyFileSync(CHECKS, join(place.folder, "checks.js"));
    const cells: (string | undefined)[] = [];
    for (const driver of TARGET_NAMES) cells.push(await cellOf(place, driver));
    if (process.env.ADBAPI_WRITE_RUNTIMES !== undefined) write(title, cells);
    const promised = cellsOf(title);
    // Where a server is missing, its column is not looked at.
    expect(cells.map((cell, n) => cell ?? promised[n])).toEqual(promised);
  });
}

/** What the program says of a driver; it has to end by itself. */
async function cellOf({ folder, command }: Place, driver: TargetName): Promise<string | undefined> {
  const kind = SERVER_OF[driver];
  const file = join(folder, `${driver.replace(":", "-")}.db`);
  const options = driver === "node:sqlite" ? "?driver=node:sqlite" : "";
  const url = kind === undefined ? `sqlite://${file}${options}` : serverUrl(kind);
  if (url === undefined) return undefined;
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  const [program = "", ...args] = command;
  const { stdout } = await run(program, [...args, "checks.js", driver, url], {
    cwd: folder,
    timeout: 60_000,
    killSignal: "SIGKILL",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const { works } = JSON.parse(stdout.trim().split("\n").at(-1)!) as { readonly works: Works };
  const missing = Object.entries(works).filter(([, result]) => result !== true);
  return missing.length === 0
    ? "all"
    : missing.map(([check, reason]) => `not ${check}: ${reason}`).join("; ");
}

function cellsOf(title: string): string[] {
  const row = readFileSync(PAGE, "utf8")
    .split("\n")
    .find((line) => line.startsWith(`| ${title} |`));
  return row?.slice(2, -2).split(" | ").slice(1) ?? [];
}

function write(title: string, cells: readonly (string | undefined)[]): void {
  const old = cellsOf(title);
  const row = `| ${[title, ...cells.map((cell, n) => cell ?? old[n] ?? "not tried")].join(" | ")} |`;
  const lines = readFileSync(PAGE, "utf8").split("\n");
  const at = lines.findIndex((line) => line.startsWith(`| ${title} |`));
  lines[at] = row;
  writeFileSync(PAGE, lines.join("\n"));
}
