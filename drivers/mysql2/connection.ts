/** One session through mysql2's callback API. */
import type { FieldPacket, QueryError, ResultSetHeader, TypedParameter } from "mysql2";
import type { AdbapiError } from "../../src/errors/classes.js";
import { unreadable } from "../common/unreadable.js";
import type { DriverSettings, Params, Result, Statement } from "../driver.js";
import {
  type ConnectionSetup,
  type InFlight,
  type Many,
  MysqlConnection,
  type Part,
} from "../mysql-family/connection.js";
import { unknownStatement } from "../mysql-family/errors/conditions.js";
import type { Step } from "../mysql-family/execute-many.js";
import { bytesOf } from "../mysql-family/packet-limit.js";
import { endRows, type RowSource } from "../mysql-family/stream.js";
import { ordinary } from "../mysql-family/text.js";
import { afterRows } from "../mysql-family/transaction.js";
import { generatedKey, OWN } from "../mysql-family/values/result.js";
import type { Ahead } from "./ahead.js";
import { named, translate } from "./errors.js";
import { guardRows } from "./guard.js";
import type { Native } from "./native.js";
import { typed } from "./params.js";
import { aliasUnsafeNames, columnsOf, finisher } from "./rows.js";
import { type Prepared, PreparedCache } from "./statement-cache.js";

export interface Mysql2Setup extends ConnectionSetup {
  readonly int64: DriverSettings["int64"];
  readonly ahead: Ahead;
  readonly types: TypedParameter;
}

/** A command of mysql2: an emitter, that streams when it was given no callback. */
interface Command {
  on(event: "fields", listener: (fields: FieldPacket[] | undefined) => void): Command;
  on(event: "error", listener: (error: QueryError) => void): Command;
  on(event: "end", listener: () => void): Command;
  stream(options: { highWaterMark: number }): RowSource["readable"];
}

type Callback = (error: QueryError | null, answer: unknown, fields: FieldPacket[]) => void;

export class Mysql2Connection extends MysqlConnection {
  readonly native: Native;
  protected readonly names = "mysql";
  readonly #int64: DriverSettings["int64"];
  readonly #prepared: PreparedCache;
  readonly #ahead: Ahead;
  readonly #types: TypedParameter;

  constructor(native: Native, setup: Mysql2Setup) {
    super(native.stream, setup);
    this.native = native;
    this.#int64 = setup.int64;
    this.#prepared = new PreparedCache(native, (ask) => this.room(ask));
    this.#ahead = setup.ahead;
    this.#types = setup.types;
    native.on("error", (error) => this.lose(named(error)));
  }

  get id(): number {
    return this.native.threadId;
  }

  giveRoom(): boolean {
    return this.#prepared.giveRoom();
  }

  protected query(statement: Part): Promise<Result> {
    return new Promise((resolve, reject) => {
      const entry = this.sent(statement, reject);
      this.sending(entry, () =>
        this.#text(statement, (error, answer, fields) => {
          if (error === null) this.#answered(entry, answer, fields, resolve);
          else this.failed(entry, error);
        }),
      );
    });
  }

  protected prepared(statement: Statement, values: unknown[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#execute(this.sent(statement, reject), values, resolve, (statement as Part).ahead !== true);
    });
  }

  /** Once it is known here, a text is sent as soon as it is asked for. */
  protected async many(
    sql: string,
    first: Params,
    whole: Statement | undefined,
    refusing: string,
  ): Promise<Many | undefined> {
    if (!this.goesAhead) return undefined;
    const isText = (first as unknown[]).length === 0;
    if (!isText && !(await this.#prepared.knows(sql))) return undefined;
    if (!(await this.#prepared.knows(refusing))) return undefined;
    // One may have had to make room for the other.
    if (!isText && !this.#prepared.keeps(sql)) return undefined;
    const refuse: Statement = { sql: refusing, params: [], rowMode: "object" };
    const step = (params: Params): Step => ({
      lists: [params],
      bytes: bytesOf(params, this.maxAllowedPacket),
      run: async () => {
        const part: Part = { sql, params, rowMode: "object", whole, ahead: true };
        return (await this.execute(part)).rowCount;
      },
    });
    const refuseWrites = () =>
      this.#prepared.get(refusing, (error, prepared) => {
        if (error === null) this.#binary(prepared, refuse, [], () => {});
      });
    return { steps: (lists) => lists.map(step), refuseWrites, close: () => {} };
  }

  protected async rows(statement: Statement, batch: number, ended: () => void): Promise<RowSource> {
    const { command } = await this.#streaming(statement);
    let shape: ((row: unknown) => unknown) | undefined;
    let sets = 0;
    command.on("fields", (fields) => {
      if (fields === undefined) return;
      if (++sets === 1) shape = finisher(fields, statement.rowMode, this.#int64);
      else if (sets === 2) endRows(readable);
    });
    // Whoever abandons the stream takes its own listener away.
    command.on("error", () => {}).on("end", ended);
    const readable = command.stream({ highWaterMark: batch });
    readable.on("error", () => {});
    return {
      readable,
      isRow: (row) => Object.getPrototypeOf(row).constructor.name !== "ResultSetHeader",
      shape: (row) => (shape === undefined ? row : shape(row)),
      discard: () => readable.destroy(),
    };
  }

  protected tell(sql: string): void {
    this.#ahead.send(() => this.native.query(sql, () => {}));
  }

  protected resetSession(): Promise<void> {
    this.#prepared.clear();
    return new Promise((resolve, reject) => {
      (this.native as unknown as { reset: (callback: (error: unknown) => void) => void }).reset((error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  protected quit(): void {
    this.native.end();
  }

  protected translate(error: unknown): AdbapiError {
    return translate(error);
  }

  /** mysql2 hands no status on with rows and errors, nor with a ping. */
  protected askStatus(done: (error: unknown) => void): void {
    this.native.query("DO 0", (error, answer) => {
      if (error === null) this.#statusOf(answer);
      done(error);
    });
  }

  #text({ sql, rowMode, own }: Part, callback?: Callback): Command {
    const options = own ? { sql, ...OWN } : { sql, rowsAsArray: rowMode === "array" };
    return this.#safely(this.#ahead.send(() => this.native.query(options, callback as never)));
  }

  /**
   * A statement's own execute() is the faster one, and takes no `rowsAsArray`; the other asks mysql2's cache first,
   * when its turn has come.
   */
  #binary(prepared: Prepared, { sql, rowMode }: Statement, params: unknown[], callback?: Callback): Command {
    const values = typed(params, this.#types);
    return this.#safely(
      rowMode === "array"
        ? this.native.execute({ sql, values: values as never, rowsAsArray: true }, callback as never)
        : this.#ahead.send(() => prepared.execute(values, callback)),
    );
  }

  /** On a closed connection mysql2 calls back at once, and returns nothing. */
  #safely(made: unknown): Command {
    const command = made as Command | undefined;
    if (command !== undefined) guardRows(command.on("fields", aliasUnsafeNames));
    return command!;
  }

  #execute(
    entry: InFlight,
    values: unknown[],
    resolve: (result: Result | Promise<Result>) => void,
    again: boolean,
  ): void {
    const { statement } = entry;
    this.#prepared.get(statement.sql, (error, prepared) => {
      if (error !== null) return this.failed(entry, error);
      const wrong = this.mismatch(prepared.count, values.length);
      if (wrong !== undefined) return this.settle(entry, () => entry.reject(wrong));
      this.sending(entry, () =>
        this.#binary(prepared, statement, values, (error, answer, fields) => {
          if (error === null) return this.#answered(entry, answer, fields, resolve);
          if (!again || !unknownStatement(error, statement.sql)) return this.failed(entry, error);
          // Closed behind our back: mysql2's cache is shared with those who use the native handle.
          this.#prepared.forget(statement.sql);
          this.#execute(entry, values, resolve, false);
        }),
      );
    });
  }

  /** In an object of its own: a command of mysql2 has a `then` that throws. */
  #streaming(statement: Statement): Promise<{ readonly command: Command }> {
    const values = (statement.params ?? []) as unknown[];
    if (values.length === 0) return this.opening(() => ({ command: this.#text(statement) }));
    return new Promise((resolve, reject) => {
      this.#prepared.get(statement.sql, (error, prepared) => {
        if (error !== null) return reject(error);
        const wrong = this.mismatch(prepared.count, values.length);
        if (wrong !== undefined) return reject(wrong);
        resolve(this.opening(() => ({ command: this.#binary(prepared, statement, values) })));
      });
    });
  }

  #answered(
    entry: InFlight,
    answer: unknown,
    fields: FieldPacket[],
    resolve: (result: Result | Promise<Result>) => void,
  ): void {
    const { statement } = entry;
    let settle: () => void;
    try {
      const result = this.#result(statement, answer, fields);
      settle = () => resolve(this.keyed(result));
    } catch (error) {
      settle = () => entry.reject(unreadable(error));
    }
    const told = this.#statusOf(answer);
    if (!told) this.status = afterRows(this.status);
    if (told || ordinary(statement.sql)) this.settle(entry, settle);
    else this.settleWithStatus(entry, settle);
  }

  /** The status is with writes alone, and with the last of several answers when it is one. */
  #statusOf(answer: unknown): boolean {
    const last = Array.isArray(answer) ? answer.at(-1) : answer;
    if (last?.constructor?.name !== "ResultSetHeader") return false;
    this.status = (last as ResultSetHeader).serverStatus;
    return true;
  }

  #result(statement: Statement, answer: unknown, fields: FieldPacket[] | undefined): Result {
    if (!Array.isArray(fields)) return written(answer as ResultSetHeader);
    if (fields.length > 0 && (fields[0] === undefined || Array.isArray(fields[0]))) {
      // CALL, or several statements: the first that has rows, as a cursor of PEP 249 stands there.
      const first = Math.max(0, fields.findIndex(Array.isArray));
      return this.#result(statement, (answer as unknown[])[first], fields[first] as never);
    }
    let rows = answer as unknown[];
    const finish = finisher(fields, statement.rowMode, this.#int64);
    if (finish !== undefined) rows = rows.map(finish);
    return { rows, rowCount: rows.length, lastInsertId: undefined, columns: columnsOf(fields) };
  }
}

function written({ affectedRows, changedRows, insertId, info }: ResultSetHeader): Result {
  return {
    rows: [],
    rowCount: Number(affectedRows),
    // mysql2 says 0 too where it was not told, or in another language.
    changedRows: info.includes("Changed: ") ? changedRows : undefined,
    lastInsertId: generatedKey(insertId),
    columns: [],
  };
}
