import type { IsolationLevel, Paramstyle } from "../../drivers/driver.js";
import type { PoolOptions } from "./pool-options.js";
import type { ServerKind } from "./recipe.js";
import type { TargetName } from "./selection.js";

/**
 * A driver and the database behind it in the world of this run, with what differs between them as named facts. A test
 * asks for the fact that it needs, never for the name.
 */
export interface Target {
  readonly name: TargetName;
  /** Why nothing can be tested on it here; undefined where it can. */
  readonly unavailable: string | undefined;
  /**
   * The kind of server behind it; undefined where the database is a file. `ownServer(server)` gives one to be killed.
   */
  readonly server: ServerKind | undefined;
  readonly paramstyle: Paramstyle;
  readonly types: ColumnTypes;
  /** What a pool needs here; `withPool` gives it to each. */
  readonly poolOptions: PoolOptions;

  /**
   * Whether a connection is one session of the server's all its life; else a pooler lends it one for each transaction.
   */
  readonly ownSessions: boolean;
  /** How many of the server's sessions a pool can have at once. */
  readonly mostSessions: number;
  /** Whether nobody else has the file open; of a server always. */
  readonly sole: boolean;
  /** Whether whoever stands between can read what is said, and lie; else it is encrypted. */
  readonly readable: boolean;
  /** Whether a blob of a megabyte is read in no time; else its package reads it character by character. */
  readonly quickBlobs: boolean;
  /** Of a transaction that asks for none. */
  readonly defaultIsolation: IsolationLevel;
  /** Whether an insert tells the generated key; else it is asked for with RETURNING. */
  readonly lastInsertId: boolean;
  /** Whether a deferred constraint can make COMMIT fail. */
  readonly deferredConstraints: boolean;
  /** Whether CREATE TABLE commits the transaction that it is in; else it is rolled back with it. */
  readonly implicitCommitOnDdl: boolean;
  /** Whether only one transaction at a time may write. */
  readonly singleWriter: boolean;
  /** Whether an error inside a transaction leaves it unusable until it is rolled back. */
  readonly errorAbortsTransaction: boolean;
  /** What it can be asked for; the first is the weakest. */
  readonly isolationLevels: readonly IsolationLevel[];
  /** How an integer beyond 2^53 comes back. */
  readonly exactInteger: "bigint" | "string";
  /** And how those come that a number could hold. */
  readonly smallInteger: "bigint" | "string" | "number";
  /** A query that waits so long; undefined where the database has none. */
  readonly sleepSql: ((seconds: number) => string) | undefined;
  /** Runs for about half a minute unless it is stopped, and can be. */
  readonly endlessSql: string;
  /** Gives the server's name of the session as `id`; undefined where there are none. */
  readonly sessionIdSql: string | undefined;

  /** The driver's mark for the nth param, counted from 1. */
  placeholder(n: number): string;
  /** SQL written with `?`, in the driver's paramstyle. */
  sql(text: string): string;
  /**
   * Connect arguments for the same database with which each value of a result goes through `read`; absent where there
   * are none such.
   */
  readWith?(connectArgs: string, read: (value: unknown) => unknown): object;
  /** A fresh, empty database; dropped when it is disposed of. */
  createDatabase(options?: DatabaseOptions): Promise<TestDatabase>;
}

export interface ColumnTypes {
  /** A whole definition: type, key, generated. */
  readonly id: string;
  readonly text: string;
  readonly bigint: string;
  readonly double: string;
  readonly blob: string;
}

export interface DatabaseOptions {
  /** A server of the test's own; default: the server of the run. */
  readonly serverUrl?: string | undefined;
}

/** What tests know of a database without the library, through the driver's own package and a session of their own. */
export interface TestDatabase extends AsyncDisposable {
  /** What `new ConnectionPool(target.name, …)` takes: a URL, or a file's path. */
  readonly connectArgs: string;
  /** What `ConnectionPool.fromUrl` takes. */
  readonly url: string;
  /** Rows as the database has them now, committed. */
  observe(sql: string): Promise<Record<string, unknown>[]>;
  /** How many sessions (of a file: descriptors, where the system tells) are open. */
  countSessions(): Promise<number>;
  /** Ends one session at the server. */
  killSession(id: unknown): Promise<void>;
  /** Ends all of its sessions at the server. */
  killSessions(): Promise<void>;
}
