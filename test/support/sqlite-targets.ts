/** better-sqlite3 and node:sqlite: two packages for one library, which runs in this process on a file. */
import { readdirSync, readlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { hasNodeSqlite } from "./has-node-sqlite.js";
import { guardedDirectory } from "./run-directory.js";
import type { TargetName } from "./selection.js";
import { comeTo, goFrom } from "./sqlite-neighbour.js";
import type { Target, TestDatabase } from "./target.js";
import { WORLD } from "./world.js";

/** Nothing in it may be decoded, or taken for a mark of a URL. */
const FOLDER = WORLD.sharedFiles ? "an odd place, 100%41 ü" : "sqlite";

export const betterSqlite3Target: Target = {
  ...family("better-sqlite3", openBetterSqlite3),
  unavailable: undefined,
};

export const nodeSqliteTarget: Target = {
  ...family("node:sqlite", openNodeSqlite),
  unavailable: hasNodeSqlite ? undefined : "node:sqlite needs Node.js 24.16 or newer",
};

function family(name: TargetName, open: Open): Omit<Target, "unavailable"> {
  return {
    name,
    server: undefined,
    paramstyle: "qmark",
    types: {
      id: "integer primary key",
      text: "text",
      bigint: "integer",
      double: "real",
      blob: "blob",
    },
    poolOptions: {},
    ownSessions: true,
    sole: !WORLD.sharedFiles,
    mostSessions: Number.POSITIVE_INFINITY,
    readable: true,
    quickBlobs: true,
    defaultIsolation: "serializable",
    lastInsertId: true,
    deferredConstraints: true,
    implicitCommitOnDdl: false,
    singleWriter: true,
    errorAbortsTransaction: false,
    isolationLevels: ["serializable"],
    exactInteger: "bigint",
    smallInteger: "number",
    sleepSql: undefined,
    // A row every few milliseconds: between two rows it can be stopped.
    endlessSql: `with recursive c(x) as (select 1 union all select x + 1 from c where x < 300000000)
      select x from c where x % 100000 = 0`,
    sessionIdSql: undefined,

    placeholder: () => "?",
    sql: (text) => text,

    async createDatabase() {
      const database = new SqliteDatabase(guardedDirectory(FOLDER), name, open);
      if (WORLD.sharedFiles) await comeTo(database.connectArgs);
      return database;
    },
  };
}

class SqliteDatabase implements TestDatabase {
  readonly connectArgs: string;
  readonly url: string;
  readonly #directory: string;
  readonly #open: Open;

  constructor(directory: string, driver: TargetName, open: Open) {
    this.#open = open;
    this.#directory = directory;
    this.connectArgs = join(directory, "test.db");
    this.url = `sqlite:${encodeURI(this.connectArgs)}?driver=${driver}`;
  }

  async observe(sql: string) {
    const database = await this.#open(this.connectArgs);
    try {
      database.exec("pragma busy_timeout = 5000");
      return database.prepare(sql).all() as Record<string, unknown>[];
    } finally {
      database.close();
    }
  }

  /** One descriptor to a connection, as Linux lists them; elsewhere none are seen. */
  async countSessions() {
    if (process.platform !== "linux") return 0;
    return readdirSync("/proc/self/fd").filter((fd) => linkOf(fd) === this.connectArgs).length;
  }

  killSession(): Promise<void> {
    throw new Error("SQLite has no sessions to kill: ask the target for `sessionIdSql` first");
  }

  killSessions(): Promise<void> {
    return this.killSession();
  }

  async [Symbol.asyncDispose]() {
    if (WORLD.sharedFiles) await goFrom(this.connectArgs);
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined; // closed since it was listed
  }
}

/** What the two packages have in common. */
interface Handle {
  exec(sql: string): unknown;
  prepare(sql: string): { all(): unknown[] };
  close(): unknown;
}

/**
 * Each target is observed through its own package: they bring a SQLite each, and of two in one process the first to
 * close a file would take away the other's locks on it.
 */
type Open = (path: string) => Promise<Handle>;

async function openBetterSqlite3(path: string): Promise<Handle> {
  return new Database(path);
}

async function openNodeSqlite(path: string): Promise<Handle> {
  const name = "node:sqlite"; // not in the types of the oldest Node.js that we support
  const { DatabaseSync } = (await import(name)) as { DatabaseSync: new (path: string) => Handle };
  return new DatabaseSync(path);
}
