import { SqliteAdapter as KyselySqliteAdapter } from "kysely";

/**
 * Kysely's own takes it that there is one connection, and so no other to lock out of a migration. There are others
 * here, of this pool and of other processes: migrations run in a transaction, whose BEGIN IMMEDIATE is the lock.
 * SQLite's DDL can be rolled back.
 */
export class SqliteAdapter extends KyselySqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /** One connection at a time is the pool's affair. */
  get supportsMultipleConnections(): boolean {
    return true;
  }
}
