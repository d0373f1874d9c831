/** One session through mysql2's callback API. */
import type { FieldPacket, TypedParameter } from "mysql2";
import type { AdbapiError } from "../../src/errors/classes.js";
import { unreadable } from "../common/unreadable.js";
import type { DriverSettings, Params, Result, Statement } from "../driver.js";
import { MysqlConnection } from "../mysql-family/connection.js";
import type { ConnectionSetup } from "../mysql-family/connection-setup.js";
import { unknownStatement } from "../mysql-family/errors/conditions.js";
import type { Many } from "../mysql-family/execute-many.js";
import type { Part, Sent } from "../mysql-family/in-flight.js";
import type { RowSource } from "../mysql-family/row-source.js";
import { ordinary } from "../mysql-family/text.js";
import { OWN } from "../mysql-family/values/result.js";
import type { Ahead } from "./ahead.js";
import { named, translate } from "./errors.js";
import { manyOf } from "./execute-many.js";
import { guardRows } from "./guard.js";
import type { Callback, Command, Native } from "./native.js";
import { typed } from "./params.js";
import { resultOf, statusOf } from "./results.js";
import { aliasUnsafeNames } from "./rows.js";
import { Mysql2Scripts } from "./scripts.js";
import { type Prepared, StatementCache } from "./statement-cache.js";
import { rowSource } from "./stream.js";

export interface Mysql2Setup extends ConnectionSetup {
  readonly int64: DriverSettings["int64"];
  readonly ahead: Ahead;
  readonly types: TypedParameter;
}

type Resolve = (result: Result | Promise<Result>) => void;

export class Mysql2Connection extends MysqlConnection {
  readonly native: Native;
  protected readonly names = "mysql";
  protected readonly scripts: Mysql2Scripts;
  readonly #int64: DriverSettings["int64"];
  readonly #statements: StatementCache;
  readonly #ahead: Ahead;
  readonly #types: TypedParameter;

  constructor(native: Native, setup: Mysql2Setup) {
    super(native.stream, setup);
    this.native = native;
    this.scripts = new Mysql2Scripts(native);
    this.#int64 = setup.int64;
    this.#statements = new StatementCache(native, (ask) => this.room(ask));
    this.#ahead = setup.ahead;
    this.#types = setup.types;
    native.on("error", (error) => this.lose(named(error)));
  }

  get id(): number {
    return this.native.threadId;
  }

  giveRoom(): boolean {
    return this.#statements.giveRoom();
  }

  protected query(statement: Part): Promise<Result> {
    return new Promise((resolve, reject) => {
      const sent = this.inFlight.add(statement, reject);
      this.sending(sent, () =>
        this.#text(statement, (error, answer, fields) => {
          if (error === null) this.#answered(sent, answer, fields, resolve);
          else this.failed(sent, error);
        }),
      );
    });
  }

  protected prepared(statement: Statement, values: unknown[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#execute(
        this.inFlight.add(statement, reject),
        values,
        resolve,
        (statement as Part).ahead !== true,
      );
    });
  }

  protected many(
    sql: string,
    first: Params,
    whole: Statement | undefined,
    refusing: string,
  ): Promise<Many | undefined> {
    const connection = {
      statements: this.#statements,
      goesAhead: this.goesAhead,
      maxAllowedPacket: this.maxAllowedPacket,
      one: async (part: Part) => (await this.execute(part)).rowCount,
      run: (prepared: Prepared, statement: Statement) => this.#binary(prepared, statement, [], () => {}),
    };
    return manyOf(connection, { sql, whole }, first, refusing);
  }

  protected async rows(statement: Statement, batch: number, ended: () => void): Promise<RowSource> {
    const { command } = await this.#streaming(statement);
    return rowSource(command, statement, this.#int64, batch, ended);
  }

  protected tell(sql: string): void {
    this.#ahead.send(() => this.native.query(sql, () => {}));
  }

  protected resetSession(): Promise<void> {
    this.#statements.clear();
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
      if (error === null) this.#readStatus(answer);
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

  #execute(sent: Sent, values: unknown[], resolve: Resolve, again: boolean): void {
    const { statement } = sent;
    this.#statements.get(statement.sql, (error, prepared) => {
      if (error !== null) return this.failed(sent, error);
      const wrong = this.mismatch(prepared.count, values.length);
      if (wrong !== undefined) return this.settle(sent, () => sent.reject(wrong));
      this.sending(sent, () =>
        this.#binary(prepared, statement, values, (error, answer, fields) => {
          if (error === null) return this.#answered(sent, answer, fields, resolve);
          if (!again || !unknownStatement(error, statement.sql)) return this.failed(sent, error);
          // Closed without our knowledge: callers that use the native handle share mysql2's cache.
          this.#statements.forget(statement.sql);
          this.#execute(sent, values, resolve, false);
        }),
      );
    });
  }

  /** In an object of its own: a command of mysql2 has a `then` that throws. */
  #streaming(statement: Statement): Promise<{ readonly command: Command }> {
    const values = (statement.params ?? []) as unknown[];
    if (values.length === 0) return this.opening(() => ({ command: this.#text(statement) }));
    return new Promise((resolve, reject) => {
      this.#statements.get(statement.sql, (error, prepared) => {
        if (error !== null) return reject(error);
        const wrong = this.mismatch(prepared.count, values.length);
        if (wrong !== undefined) return reject(wrong);
        resolve(this.opening(() => ({ command: this.#binary(prepared, statement, values) })));
      });
    });
  }

  #answered(sent: Sent, answer: unknown, fields: FieldPacket[], resolve: Resolve): void {
    const { statement } = sent;
    let settle: () => void;
    try {
      const result = resultOf(statement, answer, fields, this.#int64);
      settle = () => resolve(this.keyed(result));
    } catch (error) {
      settle = () => sent.reject(unreadable(error));
    }
    const told = this.#readStatus(answer);
    if (!told) this.transaction.readRows();
    if (told || ordinary(statement.sql)) this.settle(sent, settle);
    else this.settleWithStatus(sent, settle);
  }

  /** Whether the answer had one. */
  #readStatus(answer: unknown): boolean {
    const status = statusOf(answer);
    if (status !== undefined) this.transaction.status = status;
    return status !== undefined;
  }
}
