/** PgBouncer in front of a PostgreSQL server: transaction mode, and otherwise its own defaults. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accountFor } from "./account.js";
import { freePort } from "./free-port.js";
import { listening } from "./listening.js";
import { findProgram } from "./programs.js";
import { guardedDirectory, killTree, spawnGuarded } from "./run-directory.js";
import { within } from "./within.js";
import { authorityFile } from "./world-files.js";

const PROGRAM = findProgram("pgbouncer");

/** Whether there is one on this machine; what needs it is left out otherwise. */
export const hasPgBouncer = PROGRAM !== undefined;

const HOW_TO_GET = "No PgBouncer: apt-get install pgbouncer";

if (!hasPgBouncer) {
  if (process.env.CI !== undefined) throw new Error(`${HOW_TO_GET} (CI is set)`);
  console.error(`\n*** SKIPPED: ${HOW_TO_GET} ***\n`);
}

const START_MILLIS = 20_000;

/** Of the section [pgbouncer] of its file, by name: `default_pool_size`, `pool_mode`, `ignore_startup_parameters`. */
export type PgBouncerSettings = Readonly<Record<string, string | number>>;

export interface PgBouncer extends AsyncDisposable {
  /** The server's URL through the pooler, without a password. */
  readonly url: string;
  /** The URL of another database of that server, or of the same, through the pooler. */
  through(url: string): string;
  close(): Promise<void>;
}

/**
 * Whoever comes is let in, and is at the server the user of `serverUrl`, with its password. `await using` closes it.
 * Rejects where it is not installed, or refuses its settings.
 */
export async function startPgBouncer(
  serverUrl: string,
  settings: PgBouncerSettings = {},
): Promise<PgBouncer> {
  if (PROGRAM === undefined) throw new Error(HOW_TO_GET);
  const account = accountFor("postgres");
  const home = guardedDirectory("pgbouncer", account);
  const port = await freePort();
  const file = join(home, "pgbouncer.ini");
  writeFileSync(file, configuration(new URL(serverUrl), port, settings));
  const log = openSync(join(home, "log"), "a");
  const child = spawnGuarded(home, PROGRAM, [file], { stdio: ["ignore", log, log], ...account });
  closeSync(log);
  await started(child, port, join(home, "log"));
  child.unref();
  const through = (url: string) => {
    const changed = new URL(url);
    changed.hostname = "127.0.0.1";
    changed.port = String(port);
    changed.password = "";
    changed.search = ""; // it speaks no TLS to its clients
    return changed.href;
  };
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, "exit");
      child.ref();
      killTree(child.pid!);
      await within(() => `the end of PgBouncer, process ${child.pid}`, exit);
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  };
  return { url: through(serverUrl), through, close, [Symbol.asyncDispose]: close };
}

/** @see https://www.pgbouncer.org/config.html */
function configuration(server: URL, port: number, settings: PgBouncerSettings): string {
  const { hostname, username, password } = server;
  const target = [`host=${hostname}`, `port=${server.port || 5432}`];
  if (username !== "") target.push(`user=${quoted(username)}`);
  if (password !== "") target.push(`password=${quoted(password)}`);
  const all = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "any",
    pool_mode: "transaction",
    ...(server.searchParams.get("sslmode") === "verify-full"
      ? { server_tls_sslmode: "verify-full", server_tls_ca_file: authorityFile() }
      : {}),
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  return ["[databases]", `* = ${target.join(" ")}`, "[pgbouncer]", ...lines, ""].join("\n");
}

function quoted(part: string): string {
  return `'${decodeURIComponent(part).replaceAll("'", "''")}'`;
}

async function started(child: ChildProcess, port: number, log: string): Promise<void> {
  const deadline = Date.now() + START_MILLIS;
  while (!(await listening(port))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      throw new Error(`PgBouncer does not listen:\n${readFileSync(log, "utf8").slice(-2000)}`);
    }
    await sleep(30);
  }
}
