import {
  createQueryId,
  type DatabaseConnection,
  type Driver,
  IdentifierNode,
  type QueryCompiler,
  RawNode,
  type TransactionSettings,
} from "kysely";
import type { ConnectionPool } from "../connection-pool.js";
import { InterfaceError } from "../errors.js";
import { AdbapiConnection, OwnConnection } from "./connection.js";
import { askedForOneStatement } from "./one-statement.js";

type Compile = QueryCompiler["compileQuery"];

/**
 * Kysely acquires a "connection" for every statement, and says only later what for. Where it is for a single statement, nothing is taken
 * from the pool: the statement goes the pool's own way, together with others.
 */
export class AdbapiDriver implements Driver {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new (askedForOneStatement() ? AdbapiConnection : OwnConnection)(this.#pool);
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel: isolation, accessMode } = settings;
    if (isolation === "snapshot") {
      throw new InterfaceError('the isolation level "snapshot" is SQL Server\'s: ask for "repeatable read"');
    }
    ours(connection).begin({ isolation, readOnly: accessMode === "read only" });
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return ours(connection).commit();
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return ours(connection).rollback();
  }

  readonly savepoint = naming("savepoint");
  readonly rollbackToSavepoint = naming("rollback to savepoint");
  readonly releaseSavepoint = naming("release savepoint");

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return (connection as AdbapiConnection).release();
  }

  async destroy(): Promise<void> {
    await this.#pool.close();
  }
}

/** A transaction never begins on a connection for a single statement. */
function ours(connection: DatabaseConnection): OwnConnection {
  return connection as OwnConnection;
}

/** Runs a command that ends with a savepoint's name. */
function naming(command: string) {
  return async (connection: DatabaseConnection, name: string, compile: Compile): Promise<void> => {
    const node = RawNode.createWithChildren([
      RawNode.createWithSql(`${command} `),
      IdentifierNode.create(name),
    ]);
    await connection.executeQuery(compile(node, createQueryId()));
  };
}
