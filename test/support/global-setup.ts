/** Starts what the run needs, once, and ends it; workers find the URLs in the environment. */

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

export async function setup(): Promise<() => Promise<void>> {
  const started = await Promise.all(SERVER_KINDS.filter(isNeeded).map(start));
  const servers = started.filter((server) => server !== undefined);
  const missing = SERVER_KINDS.filter((kind) => isNeeded(kind) && serverUrl(kind) === undefined);
  for (const kind of missing) console.error(`\n*** SKIPPED: ${howToGet(kind)} ***\n`);
  if (missing.length > 0 && process.env.CI !== undefined) {
    await closeAll(servers);
    throw new Error(`Servers missing, and CI is set: ${missing.join(", ")}`);
  }
  return () => closeAll(servers);
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
