import {
  createQueryId,
  type DatabaseConnection,
  type Driver,
  IdentifierNode,
  type QueryCompiler,
  RawNode,
  type TransactionSettings,
} from "kysely";
import type { Dialect } from "../../drivers/driver.js";
import type { ConnectionPool } from "../connection-pool.js";
import { InterfaceError } from "../errors/classes.js";
import { AdbapiConnection, OwnConnection, transactionCommand } from "./connection.js";
import { askedForOneStatement } from "./one-statement.js";

type Compile = QueryCompiler["compileQuery"];

/**
 * Kysely acquires a "connection" for every statement, and says only later what for. Where it is for a single statement,
 * nothing is taken from the pool: the statement goes the pool's own way, together with others.
 */
export class AdbapiDriver implements Driver {
  readonly #pool: ConnectionPool;
  readonly #dialect: Dialect;

  constructor(pool: ConnectionPool, dialect: Dialect) {
    this.#pool = pool;
    this.#dialect = dialect;
    this.releaseSavepoint = naming(dialect === "mysql" ? "release savepoint" : "release");
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
    const begin = async (own: OwnConnection) =>
      own.begin({ isolation, readOnly: accessMode === "read only" });
    const texts = beginTexts(this.#dialect, settings);
    for (const text of texts.slice(0, -1))
      await connection.executeQuery(transactionCommand(text, async () => {}));
    await connection.executeQuery(transactionCommand(texts.at(-1)!, begin));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(transactionCommand("commit", (own) => own.commit()));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(transactionCommand("rollback", (own) => own.rollback()));
  }

  readonly savepoint = naming("savepoint");
  readonly rollbackToSavepoint = naming("rollback to");
  readonly releaseSavepoint: ReturnType<typeof naming>;

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return (connection as AdbapiConnection).release();
  }

  async destroy(): Promise<void> {
    await this.#pool.close();
  }
}

/**
 * For Kysely's log, in the words of its own dialects: it sees what is executed. The words on the wire are the pool's.
 */
function beginTexts(
  dialect: Dialect,
  { isolationLevel, accessMode }: TransactionSettings,
): readonly string[] {
  const parts = [isolationLevel && `isolation level ${isolationLevel}`, accessMode].filter(Boolean);
  if (parts.length === 0 || dialect === "sqlite") return ["begin"];
  if (dialect === "mysql") return [`set transaction ${parts.join(", ")}`, "begin"];
  return [`start transaction ${parts.join(" ")}`];
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
