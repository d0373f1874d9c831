/**
 * Database servers for the tests, looked for in this order: a URL from the environment, Docker, the programs of this
 * machine.
 *
 * One server of each kind serves a whole test run (`global-setup.ts` starts it and leaves its URL in the environment);
 * a test that kills or restarts one asks for a server of its own.
 */
import { DockerServer, dockerAnswers } from "./docker-server.js";
import { LocalServer } from "./local-server.js";
import { forNativeClients } from "./mysql-accounts.js";
import { mariadbRecipe, mysqlRecipe } from "./mysql-recipe.js";
import { postgresRecipe } from "./postgres-recipe.js";
import type { Recipe, ServerKind } from "./recipe.js";
import { redisRecipe } from "./redis-recipe.js";
import { WORLD } from "./world.js";

export type { ServerKind } from "./recipe.js";

/** A server that its test may treat badly. */
export interface OwnServer extends AsyncDisposable {
  readonly kind: ServerKind;
  readonly url: string;
  readonly port: number;
  /** Fires once it answers; does nothing to a running one. */
  start(): Promise<void>;
  /** In order: clients are told. */
  stop(): Promise<void>;
  /** SIGKILL for the whole server; its data stay. */
  kill(): Promise<void>;
  /**
   * Stops all of its processes where they are (SIGSTOP): connections stay open, new ones are accepted by the kernel,
   * and nothing answers.
   */
  freeze(): Promise<void>;
  /** They go on. */
  thaw(): Promise<void>;
  /** `stop`, then `start` on the same port with the same data. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

export const SERVER_KINDS: readonly ServerKind[] = ["postgres", "mysql", "mariadb", "redis"];

const RECIPES: Readonly<Record<ServerKind, Recipe>> = {
  postgres: postgresRecipe,
  mysql: mysqlRecipe,
  mariadb: mariadbRecipe,
  redis: redisRecipe,
};

/** Each speaks the other's protocol: where one of the two is missing, the other stands in. */
const STAND_IN: Partial<Record<ServerKind, ServerKind>> = { mysql: "mariadb", mariadb: "mysql" };

/** Images have neither the locales nor the files of a world that needs them. */
const fromDocker = !WORLD.tls;

/** The URL of the run's server, or undefined where none could be had. Its database is there, and free for all. */
export function serverUrl(kind: ServerKind): string | undefined {
  const url = fromEnvironment(kind);
  if (url !== undefined) return url;
  const standIn = STAND_IN[kind];
  const other = standIn === undefined ? undefined : fromEnvironment(standIn);
  return kind === "mysql" && other !== undefined ? forNativeClients(other) : other;
}

/** A new server of the test's own; rejects, saying how to get one, where there is none. `await using` closes it. */
export async function ownServer(kind: ServerKind): Promise<OwnServer> {
  const standIn = STAND_IN[kind];
  const server =
    (await fromPrograms(kind, kind)) ??
    (standIn === undefined ? undefined : await fromPrograms(standIn, kind)) ??
    (fromDocker && (await dockerAnswers()) ? await DockerServer.create(RECIPES[kind], kind) : undefined);
  if (server === undefined) throw new Error(howToGet(kind));
  return server;
}

/** A server for a whole run where the environment names none; undefined where there is nothing to start. */
export async function startServer(kind: ServerKind): Promise<OwnServer | undefined> {
  if (fromDocker && (await dockerAnswers())) {
    try {
      return await DockerServer.create(RECIPES[kind], kind);
    } catch (error) {
      console.error(`No ${kind} from Docker, so from the programs of this machine: ${error}`);
    }
  }
  return fromPrograms(kind, kind);
}

/** The variable that names a server, as `ADBAPI_TEST_POSTGRES`. */
export function variableFor(kind: ServerKind): string {
  return RECIPES[kind].variable;
}

export function howToGet(kind: ServerKind): string {
  const { variable, install } = RECIPES[kind];
  return `No ${kind} server: ${install}, or start Docker, or docker compose up -d --wait and set ${variable}=URL (docker-compose.yml lists the URLs)`;
}

function fromEnvironment(kind: ServerKind): string | undefined {
  const url = process.env[variableFor(kind)];
  return url === "" ? undefined : url;
}

async function fromPrograms(kind: ServerKind, client: ServerKind): Promise<OwnServer | undefined> {
  const programs = await RECIPES[kind].findPrograms();
  return programs === undefined ? undefined : LocalServer.create(RECIPES[kind], programs, client);
}
