/// <reference types="node" preserve="true" />
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
export {
  type ConnectArgs,
  type ConnectArgsOf,
  type NativeOf,
  type Natives,
  registerDriver,
} from "../drivers/registry.js";
export { ConnectionPool } from "./connection-pool.js";
export * from "./defer/index.js";
export type {
  AcquireTrace,
  ConnectTrace,
  InteractionTrace,
  ReleaseTrace,
  StatementTrace,
  TracedPool,
} from "./diagnostics/channels.js";
export type { PoolStats } from "./diagnostics/pool-stats.js";
export * from "./errors/classes.js";
export { type Queryable, Transaction } from "./interaction/transaction.js";
export type { Gap, Notification, Subscription } from "./listen/subscription.js";
export type { RowsToLoad } from "./loading/copy-rows.js";
export type { TableName } from "./loading/insert-text.js";
export type { RowSource } from "./loading/row-lots.js";
export type {
  BulkOptions,
  CloseOptions,
  CopyOptions,
  InteractionOptions,
  ListenOptions,
  SessionOptions,
  StatementOptions,
} from "./options/call-options.js";
export type { Logger, PoolSettings } from "./options/settings.js";
export type { OpenFunction, PoolOptions } from "./pool-options.js";
export { Connection } from "./session/connection.js";
export { Cursor } from "./session/cursor.js";
export { OpenSession } from "./session/open-session.js";
export type {
  Answer,
  AnyRow,
  ArrayRow,
  InArrays,
  OperationResult,
  StatementResult,
} from "./statement/results.js";
export type { RowStream } from "./stream/row-stream.js";
