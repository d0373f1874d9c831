/**
 * What a world needs in files: an authority with a certificate of its own, and a German locale. Made once for a run, by
 * the global setup.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Authority } from "./authority.js";
import { guardedDirectory } from "./run-directory.js";
import { WORLD } from "./world.js";

const VARIABLE = "ADBAPI_TEST_WORLD_FILES";

/** The name by which clients reach the servers. */
export const HOST = WORLD.tls ? "localhost" : "127.0.0.1";

/**
 * Leaves its traces in the environment: processes that are started from now on trust the authority, as
 * `NODE_EXTRA_CA_CERTS` has it.
 */
export function makeWorldFiles(): void {
  if (!WORLD.tls && WORLD.postgres.lc_messages === undefined) return;
  const folder = guardedDirectory("world");
  chmodSync(folder, 0o755); // servers under other accounts read in it
  process.env[VARIABLE] = folder;
  if (WORLD.tls) {
    makeCertificates(folder);
    process.env.NODE_EXTRA_CA_CERTS = join(folder, "ca.pem");
  }
  if (WORLD.postgres.lc_messages !== undefined) makeLocale(folder, String(WORLD.postgres.lc_messages));
}

/** The authority's certificate. */
export function authorityFile(): string {
  return join(worldFolder(), "ca.pem");
}

/** Its PEM, for those who were here before it. */
export function authority(): string {
  return readFileSync(authorityFile(), "utf8");
}

/** What each server shows to its clients: certificate and key. */
export function certificate(): { readonly "server.pem": string; readonly "server.key": string } {
  const read = (name: string) => readFileSync(join(worldFolder(), name), "utf8");
  return { "server.pem": read("server.pem"), "server.key": read("server.key") };
}

/** Where programs find the locale. */
export function localeFolder(): string {
  return join(worldFolder(), "locales");
}

function worldFolder(): string {
  const folder = process.env[VARIABLE];
  if (folder === undefined) throw new Error("The global setup makes the files of a world");
  return folder;
}

function makeCertificates(folder: string): void {
  using authority = new Authority();
  const { cert, key } = authority.issue("DNS:localhost,IP:127.0.0.1");
  writeFileSync(join(folder, "ca.pem"), authority.ca);
  writeFileSync(join(folder, "server.pem"), cert);
  writeFileSync(join(folder, "server.key"), key);
}

/** Debian's `locales` has the sources; nothing of the system is touched. */
function makeLocale(folder: string, name: string): void {
  const [source, charset] = name.split(".") as [string, string];
  mkdirSync(join(folder, "locales"));
  try {
    execFileSync("localedef", ["-i", source, "-f", charset, join(folder, "locales", name)], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 60_000,
    });
  } catch (cause) {
    throw new Error(`The locale ${name} cannot be made: apt-get install locales`, { cause });
  }
}
