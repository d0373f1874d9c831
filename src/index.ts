/** Asynchronous, pooled database access: Twisted's adbapi for Node.js. */

export {
  type BlockingConnection,
  type BlockingCursor,
  type BlockingDriver,
  type BlockingDriverOptions,
  type BlockingModule,
  type BlockingResult,
  blockingDriver,
  type Classify,
} from "../drivers/blocking/index.js";
export type * from "../drivers/driver.js";
export { type ConnectArgs, type ConnectArgsOf, registerDriver } from "../drivers/registry.js";
export type { BulkOptions, CloseOptions, InteractionOptions, StatementOptions } from "./call-options.js";
export { Connection } from "./connection.js";
export { ConnectionPool } from "./connection-pool.js";
export { Cursor } from "./cursor.js";
export * from "./defer/index.js";
export type {
  AcquireTrace,
  ConnectTrace,
  InteractionTrace,
  ReleaseTrace,
  StatementTrace,
  TracedPool,
} from "./diagnostics.js";
export * from "./errors.js";
export type { Logger, OpenFunction, PoolOptions } from "./options.js";
export type {
  Answer,
  AnyRow,
  ArrayRow,
  InArrays,
  OperationResult,
  Queryable,
  StatementResult,
} from "./queryable.js";
export type { PoolStats } from "./stats.js";
export type { RowStream } from "./stream.js";
export { Transaction } from "./transaction.js";
