/** One session through mysql2's callback API. */
import type { FieldPacket, QueryError, ResultSetHeader } from "mysql2";
import { ProgrammingError, TransactionAborted } from "../../src/errors.js";
import type {
  Cancellation,
  DriverConnection,
  DriverSettings,
  Params,
  Result,
  SessionState,
  Statement,
  TransactionOptions,
} from "../driver.js";
import { endsSession } from "../mysql-family/errors.js";
import { afterRows, beginStatements, FRESH_STATUS, ordinary, stateOf } from "../mysql-family/transaction.js";
import type { Native } from "./native.js";
import { aliasUnsafeNames, columnsOf, finisher } from "./rows.js";

/** What of mysql2 is used here and missing from its types. */
interface Prepared {
  readonly parameters: readonly unknown[];
}

interface Preparing {
  readonly parameterCount: number;
}

interface InFlight {
  readonly sql: string;
  readonly statement: Statement | undefined;
  readonly reject: (error: unknown) => void;
}

export interface ConnectionSetup {
  readonly int64: DriverSettings["int64"];
  readonly database: string | undefined;
  readonly onLost: (error: unknown) => void;
  /** Runs one statement on a session of its own, and closes that. */
  readonly aside: (sql: string) => Promise<void>;
}

export class Mysql2Connection implements DriverConnection {
  readonly native: Native;
  readonly #setup: ConnectionSetup;
  /** Sent and not settled, oldest first: the server works at the first. */
  readonly #inFlight: InFlight[] = [];
  /** By mysql2's own statements, which its bounded cache keeps or drops. */
  readonly #paramCounts = new WeakMap<Prepared, number>();
  #status = FRESH_STATUS;
  #end: "none" | "closing" | "broken" = "none";

  constructor(native: Native, setup: ConnectionSetup) {
    this.native = native;
    this.#setup = setup;
    native.on("error", (error) => this.#lose(error));
    native.stream.once("close", () => this.#lose(new Error("Connection lost: the socket was closed")));
  }

  get id(): number {
    return this.native.threadId;
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
      this.native.stream.once("close", () => resolve());
      this.native.end();
    });
  }

  destroy(): void {
    this.#end = "broken";
    // mysql2's own destroy() says goodbye, and leaves what is in flight without an answer.
    this.native.stream.destroy();
  }

  ref(): void {
    this.native.stream.ref();
  }

  unref(): void {
    this.native.stream.unref();
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
    const { sql, rowMode } = statement;
    return new Promise((resolve, reject) => {
      const entry = this.#sent(statement, reject);
      this.native
        .query({ sql, rowsAsArray: rowMode === "array" }, (error, answer, fields) => {
          this.#answered(entry, statement, error, answer, fields, resolve);
        })
        ?.on("fields", aliasUnsafeNames);
    });
  }

  #prepared(statement: Statement, values: unknown[]): Promise<Result> {
    const options = { sql: statement.sql, values, rowsAsArray: statement.rowMode === "array" };
    return new Promise((resolve, reject) => {
      const entry = this.#sent(statement, reject);
      // The callback comes at once for a statement that is prepared already.
      let preparing: Preparing | undefined;
      preparing = this.native.prepare(options as never, (error, prepared) => {
        if (error !== null) return this.#failed(entry, error);
        const wrong = this.#mismatch(prepared as never, preparing, values.length);
        if (wrong !== undefined) return this.#settle(entry, () => reject(wrong));
        this.native
          .execute(options, (error, answer, fields) => {
            this.#answered(entry, statement, error, answer, fields, resolve);
          })
          ?.on("fields", aliasUnsafeNames);
      }) as never;
    });
  }

  /**
   * mysql2 sends what it is given: with one param too many the server reads the wrong bytes (sidorares/node-mysql2 #290). The
   * list of definitions can be shorter than the count that came before it (#2109), so the larger one is believed.
   */
  #mismatch(
    prepared: Prepared,
    preparing: Preparing | undefined,
    given: number,
  ): ProgrammingError | undefined {
    let count = this.#paramCounts.get(prepared);
    if (count === undefined) {
      count = Math.max(prepared.parameters.length, preparing?.parameterCount ?? 0);
      this.#paramCounts.set(prepared, count);
    }
    if (count === given) return undefined;
    return new ProgrammingError(`The statement has ${count} placeholders, and ${given} params were given`);
  }

  #sent(statement: Statement, reject: (error: unknown) => void): InFlight {
    const entry = { sql: statement.sql, statement, reject };
    this.#inFlight.push(entry);
    return entry;
  }

  #answered(
    entry: InFlight,
    statement: Statement,
    error: QueryError | null,
    answer: unknown,
    fields: readonly unknown[] | undefined,
    resolve: (result: Result) => void,
  ): void {
    if (error !== null) return this.#failed(entry, error);
    try {
      const result = this.#result(statement, answer, fields);
      if (Array.isArray(fields) && !this.#statusFrom(answer)) {
        this.#status = afterRows(this.#status);
        if (!ordinary(entry.sql)) return this.#askStatus(entry, () => resolve(result));
      } else this.#statusFrom(answer);
      this.#settle(entry, () => resolve(result));
    } catch (error) {
      this.#settle(entry, () => entry.reject(error));
    }
  }

  #failed(entry: InFlight, error: QueryError): void {
    if (endsSession(error)) {
      this.#settle(entry, () => entry.reject(error));
      this.#lose(error);
    } else if (this.state === "idle" && ordinary(entry.sql)) {
      this.#settle(entry, () => entry.reject(error));
    } else {
      this.#askStatus(entry, () => entry.reject(error));
    }
  }

  /** Errors and rows come without a status: a statement that does nothing brings it. */
  #askStatus(entry: InFlight, settle: () => void): void {
    this.native.query("DO 0", (error, answer) => {
      if (error === null) this.#statusFrom(answer);
      else this.#lose(error);
      this.#settle(entry, settle);
    });
  }

  #settle(entry: InFlight, settle: () => void): void {
    const index = this.#inFlight.indexOf(entry);
    if (index >= 0) this.#inFlight.splice(index, 1);
    settle();
  }

  #statusFrom(answer: unknown): boolean {
    const last = Array.isArray(answer) ? answer.at(-1) : answer;
    const status = (last as ResultSetHeader | undefined)?.serverStatus;
    if (typeof status !== "number" || (last as object).constructor?.name !== "ResultSetHeader") return false;
    this.#status = status;
    return true;
  }

  #result(statement: Statement, answer: unknown, fields: readonly unknown[] | undefined): Result {
    if (!Array.isArray(fields)) return written(answer as ResultSetHeader);
    if (fields.length > 0 && (fields[0] === undefined || Array.isArray(fields[0]))) {
      // CALL, or several statements: the first rows, as a cursor of PEP 249 has them.
      const first = Math.max(0, fields.findIndex(Array.isArray));
      return this.#result(statement, (answer as unknown[])[first], fields[first] as undefined);
    }
    const ofRows = fields as FieldPacket[];
    let rows = answer as unknown[];
    const finish = finisher(ofRows, statement.rowMode, this.#setup.int64);
    if (finish !== undefined) rows = rows.map(finish);
    return { rows, rowCount: rows.length, lastInsertId: undefined, columns: columnsOf(ofRows) };
  }

  #lose(error: unknown): void {
    const before = this.#end;
    this.#end = "broken";
    if (before === "broken") return;
    this.native.stream.destroy();
    for (const entry of this.#inFlight.splice(0)) entry.reject(error);
    if (before === "none") this.#setup.onLost(error);
  }
}

function written(header: ResultSetHeader): Result {
  return {
    rows: [],
    rowCount: Number(header.affectedRows),
    lastInsertId: generatedKey(header.insertId),
    columns: [],
  };
}

/** Zero is none; a string is what mysql2 gives beyond 2^53. */
function generatedKey(insertId: number | string): number | bigint | undefined {
  const key = Number(insertId);
  if (key === 0) return undefined;
  return Number.isSafeInteger(key) ? key : BigInt(insertId);
}
