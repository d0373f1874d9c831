/** Starts what the run needs, once, and ends it; workers find the URLs in the environment. */

import { startRunPooler } from "./run-pooler.js";
import { selectedKinds } from "./selection.js";
import {
  howToGet,
  type OwnServer,
  SERVER_KINDS,
  type ServerKind,
  serverUrl,
  startServer,
  variableFor,
} from "./servers.js";
import { WORLD } from "./world.js";
import { makeWorldFiles } from "./world-files.js";

export async function setup(): Promise<() => Promise<void>> {
  refuseStrangers();
  makeWorldFiles();
  const started = await Promise.all(SERVER_KINDS.filter(isNeeded).map(start));
  const servers = started.filter((server) => server !== undefined);
  const missing = SERVER_KINDS.filter((kind) => isNeeded(kind) && serverUrl(kind) === undefined);
  for (const kind of missing) console.error(`\n*** SKIPPED: ${howToGet(kind)} ***\n`);
  if (missing.length > 0 && process.env.CI !== undefined) {
    await closeAll(servers);
    throw new Error(`Servers missing, and CI is set: ${missing.join(", ")}`);
  }
  const postgres = selectedKinds().includes("postgres") ? serverUrl("postgres") : undefined;
  const pooler = postgres === undefined ? undefined : await startRunPooler(postgres);
  return async () => {
    await pooler?.[Symbol.asyncDispose]();
    await closeAll(servers);
  };
}

/** How somebody's own server is set up is not for us to say. */
function refuseStrangers(): void {
  const kinds: readonly ServerKind[] = [
    ...(Object.keys(WORLD.postgres).length > 0 ? (["postgres"] as const) : []),
    ...(Object.keys(WORLD.mysql).length > 0 ? (["mysql", "mariadb"] as const) : []),
  ];
  const named = kinds.map(variableFor).filter((name) => process.env[name] !== undefined);
  if (named.length > 0)
    throw new Error(`The world ${WORLD.name} makes its own servers: unset ${named.join(", ")}`);
}

function isNeeded(kind: ServerKind): boolean {
  return process.env[variableFor(kind)] === undefined && selectedKinds().includes(kind);
}

async function start(kind: ServerKind): Promise<OwnServer | undefined> {
  const server = await startServer(kind);
  if (server !== undefined) process.env[variableFor(kind)] = server.url;
  return server;
}

async function closeAll(servers: readonly OwnServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.close()));
}
