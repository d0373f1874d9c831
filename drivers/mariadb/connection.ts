/** One session through mariadb's callback API, pipelined. */
import type { Socket } from "node:net";
import type { FieldInfo, UpsertResult } from "mariadb";
import { ProgrammingError, TransactionAborted } from "../../src/errors.js";
import type {
  Cancellation,
  Column,
  DriverConnection,
  Params,
  Result,
  SessionState,
  Statement,
  TransactionOptions,
} from "../driver.js";
import { endsSession, type ServerError } from "../mysql-family/errors.js";
import { beginStatements, ordinary, stateOf } from "../mysql-family/transaction.js";
import type { Native, Opened } from "./native.js";
import { columnsOf, toObjects } from "./rows.js";

/** What of mariadb is used here and missing from its types. */
interface Prepared {
  readonly parameterCount: number;
  execute(values: readonly unknown[], options: object | undefined, callback: Callback): void;
  close(): void;
}

type Callback = (error: ServerError | null, answer: unknown) => void;

interface InFlight {
  readonly sql: string;
  readonly statement: Statement;
  readonly reject: (error: unknown) => void;
}

export interface ConnectionSetup {
  readonly database: string | undefined;
  readonly onLost: (error: unknown) => void;
  /** Runs one statement on a session of its own, and closes that. */
  readonly aside: (sql: string) => Promise<void>;
}

/** Rows always come as arrays, and become objects here. */
const ROWS_AS_ARRAY = { rowsAsArray: true };

export class MariadbConnection implements DriverConnection {
  readonly native: Native;
  readonly #socket: Socket;
  readonly #setup: ConnectionSetup;
  /** Sent and not settled, oldest first: the server works at the first. */
  readonly #inFlight: InFlight[] = [];
  /** The last status that an answer brought: mariadb marks a failed statement as in a transaction. */
  #status: number;
  #end: "none" | "closing" | "broken" = "none";

  constructor({ native, socket }: Opened, setup: ConnectionSetup) {
    this.native = native;
    this.#socket = socket;
    this.#setup = setup;
    this.#status = native.info.status;
    native.on("error", (error) => this.#lose(error));
    socket.once("close", () => this.#lose(new Error("Connection lost: the socket was closed")));
  }

  get id(): number {
    return this.native.threadId!;
  }

  get state(): SessionState {
    return this.#end === "broken" ? "broken" : stateOf(this.#status);
  }

  execute(statement: Statement): Promise<Result> {
    const { params } = statement;
    if (params === undefined || params.length === 0) return this.#query(statement);
    return this.#prepared(statement, params as unknown[]);
  }

  async begin(options: TransactionOptions): Promise<void> {
    for (const sql of beginStatements(options)) await this.#command(sql);
  }

  async commit(): Promise<void> {
    if (this.state !== "in transaction") {
      throw new TransactionAborted(
        "The server had ended the transaction already: nothing of it is committed",
      );
    }
    await this.#command("COMMIT");
  }

  async rollback(): Promise<void> {
    await this.#command("ROLLBACK");
  }

  async ping(sql: string): Promise<void> {
    await this.#command(sql);
  }

  close(): Promise<void> {
    if (this.#end === "broken") return Promise.resolve();
    this.#end = "closing";
    return new Promise((resolve) => {
      this.native.end(() => resolve());
    });
  }

  destroy(): void {
    this.#end = "broken";
    // mariadb's own destroy() opens another connection, to kill what runs.
    this.#socket.destroy(new Error("Connection lost: it was destroyed"));
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  async executeMany(sql: string, listOfParams: readonly Params[]): Promise<{ readonly rowCount: number }> {
    let rowCount = 0;
    for (const params of listOfParams) {
      rowCount += (await this.execute({ sql, params, rowMode: "array" })).rowCount;
    }
    return { rowCount };
  }

  cancel(statement: Statement): Cancellation {
    if (this.#inFlight[0]?.statement !== statement) return { outcome: "unknown", done: Promise.resolve() };
    return { outcome: "unknown", done: this.#kill() };
  }

  /** A KILL QUERY of which nobody knows whether it will still come must find nobody. */
  async #kill(): Promise<void> {
    try {
      await this.#setup.aside(`KILL QUERY ${this.id}`);
    } catch {
      this.destroy();
    }
  }

  #command(sql: string): Promise<Result> {
    return this.#query({ sql, params: undefined, rowMode: "array" });
  }

  #query(statement: Statement): Promise<Result> {
    return new Promise((resolve, reject) => {
      const entry = this.#sent(statement, reject);
      this.native.query(
        { sql: statement.sql, rowsAsArray: true },
        (error: ServerError | null, answer: unknown, meta: unknown) => {
          this.#answered(entry, error, answer, meta, resolve);
        },
      );
    });
  }

  #prepared(statement: Statement, values: unknown[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      const entry = this.#sent(statement, reject);
      this.native.prepare(statement.sql, (error, found) => {
        if (error) return this.#failed(entry, error as ServerError);
        const prepared = found as unknown as Prepared;
        const count = prepared.parameterCount;
        if (count !== values.length) {
          prepared.close();
          const wrong = `The statement has ${count} placeholders, and ${values.length} params were given`;
          return this.#settle(entry, () => reject(new ProgrammingError(wrong)));
        }
        prepared.execute(values, ROWS_AS_ARRAY, (error, answer) => {
          prepared.close();
          this.#answered(entry, error, answer, metaOf(answer), resolve);
        });
      });
    });
  }

  #sent(statement: Statement, reject: (error: unknown) => void): InFlight {
    const entry = { sql: statement.sql, statement, reject };
    this.#inFlight.push(entry);
    return entry;
  }

  #answered(
    entry: InFlight,
    error: ServerError | null,
    answer: unknown,
    meta: unknown,
    resolve: (result: Result) => void,
  ): void {
    if (error) return this.#failed(entry, error);
    this.#status = this.native.info.status;
    this.#settle(entry, () => resolve(resultOf(entry.statement, answer, meta)));
  }

  #failed(entry: InFlight, error: ServerError): void {
    if (endsSession(error)) {
      this.#settle(entry, () => entry.reject(error));
      this.#lose(error);
    } else if (this.state === "idle" && ordinary(entry.sql)) {
      this.#settle(entry, () => entry.reject(error));
    } else {
      this.#askStatus(entry, () => entry.reject(error));
    }
  }

  /** Errors come without a status: a ping brings it. */
  #askStatus(entry: InFlight, settle: () => void): void {
    this.native.ping((error: unknown) => {
      if (error) this.#lose(error);
      else this.#status = this.native.info.status;
      this.#settle(entry, settle);
    });
  }

  #settle(entry: InFlight, settle: () => void): void {
    const index = this.#inFlight.indexOf(entry);
    if (index >= 0) this.#inFlight.splice(index, 1);
    settle();
  }

  #lose(error: unknown): void {
    const before = this.#end;
    this.#end = "broken";
    if (before === "broken") return;
    this.#socket.destroy();
    for (const entry of this.#inFlight.splice(0)) entry.reject(error);
    if (before === "none") this.#setup.onLost(error);
  }
}

function metaOf(answer: unknown): unknown {
  return (answer as { meta?: unknown } | undefined)?.meta;
}

function resultOf(statement: Statement, answer: unknown, meta: unknown): Result {
  if (!Array.isArray(answer)) return written(answer as UpsertResult);
  const columns = columnsOf(meta as FieldInfo[]);
  return ofRows(statement, answer, columns);
}

function ofRows(statement: Statement, answer: unknown[], columns: Column[]): Result {
  const rows = statement.rowMode === "array" ? answer : toObjects(answer, columns);
  return { rows, rowCount: rows.length, lastInsertId: undefined, columns };
}

function written(header: UpsertResult): Result {
  return {
    rows: [],
    rowCount: Number(header.affectedRows),
    lastInsertId: generatedKey(header.insertId),
    columns: [],
  };
}

/** Zero is none. */
function generatedKey(insertId: number | bigint): number | bigint | undefined {
  const key = Number(insertId);
  if (key === 0) return undefined;
  return Number.isSafeInteger(key) ? key : BigInt(insertId);
}
