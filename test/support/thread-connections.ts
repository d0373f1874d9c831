import { rmSync } from "node:fs";
import { join } from "node:path";
import type { AdbapiError } from "adbapi";
import betterSqlite3 from "adbapi/drivers/better-sqlite3";
import type { BlockingDriver } from "adbapi/drivers/blocking";
import nodeSqlite from "adbapi/drivers/node-sqlite";
import { onTestFinished } from "vitest";
import type {
  DriverConnection,
  DriverSettings,
  Params,
  Result,
  RowMode,
  Statement,
} from "../../drivers/driver.js";
import { hasNodeSqlite } from "./has-node-sqlite.js";
import { guardedDirectory } from "./run-directory.js";

type Row = Record<string, unknown>;

/** One connection straight on the driver's contract, closed when the test is over. */
export class ThreadTester {
  readonly lost: unknown[] = [];
  readonly driver: BlockingDriver;
  readonly connection: DriverConnection;

  private constructor(driver: BlockingDriver, connection: DriverConnection, lost: unknown[]) {
    this.driver = driver;
    this.connection = connection;
    this.lost = lost;
  }

  static async open(
    driver: BlockingDriver,
    args: readonly unknown[] = [":memory:"],
    settings: Partial<DriverSettings> = {},
  ): Promise<ThreadTester> {
    const lost: unknown[] = [];
    const connection = await driver.connect(driver.checkArgs?.(args) ?? args, {
      settings: { name: "test", prepare: true, pipeline: 64, int64: "driver", ...settings },
      signal: new AbortController().signal,
      onLost: (error) => lost.push(error),
    });
    onTestFinished(async () => {
      connection.destroy();
      await connection.ended;
    });
    return new ThreadTester(driver, connection, lost);
  }

  statement(sql: string, params?: Params, rowMode: RowMode = "object"): Statement {
    return { sql, params: params && (this.driver.bind?.(params) ?? params), rowMode };
  }

  execute(sql: string, params?: Params, rowMode?: RowMode): Promise<Result> {
    return this.connection.execute(this.statement(sql, params, rowMode));
  }

  async rows(sql: string, params?: Params): Promise<Row[]> {
    return (await this.execute(sql, params)).rows as Row[];
  }

  /** What the promise fails with, as the pool would show it. */
  async failure(promise: Promise<unknown>): Promise<AdbapiError> {
    try {
      await promise;
    } catch (error) {
      return this.driver.translate(error);
    }
    throw new Error("it should have failed");
  }
}

export function temporaryFile(name = "test.db"): string {
  const directory = guardedDirectory("thread");
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, name);
}

export const sqliteDrivers: readonly BlockingDriver[] = hasNodeSqlite
  ? [betterSqlite3, nodeSqlite]
  : [betterSqlite3];
