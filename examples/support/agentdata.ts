/** A database named agentdata, on a server or in a temporary file, for as long as an example runs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectionPool } from "adbapi";

export interface Agentdata extends AsyncDisposable {
  /** For `ConnectionPool.fromUrl`. */
  readonly url: string;
  /** For people. */
  readonly place: string;
}

/** Creates it, and removes it when it is disposed of. A database of that name that is there already is left alone. */
export async function createAgentdata(server: string | undefined): Promise<Agentdata> {
  return server === undefined ? inTemporaryFile() : onServer(server);
}

async function inTemporaryFile(): Promise<Agentdata> {
  const folder = await mkdtemp(join(tmpdir(), "adbapi-demo-"));
  return {
    url: `sqlite:${join(folder, "agentdata.db")}`,
    place: "SQLite, in a temporary file",
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function onServer(server: string): Promise<Agentdata> {
  const url = new URL(server);
  const { protocol, host } = url;
  url.pathname = "agentdata";
  // PostgreSQL has no sessions without a database, and one named postgres by default.
  const home = new URL(server);
  if (home.pathname.length <= 1) home.pathname = protocol.startsWith("postgres") ? "postgres" : "";
  await using pool = ConnectionPool.fromUrl(home, { min: 0, max: 1 });
  await pool.runOperation("create database agentdata");
  return {
    url: url.href,
    place: `${protocol}//${host}/agentdata`,
    async [Symbol.asyncDispose]() {
      await using pool = ConnectionPool.fromUrl(home, { min: 0, max: 1 });
      await pool.runOperation("drop database agentdata");
    },
  };
}
