/** One session, as the pool sees it. */
import type { Client, ClientConfig } from "pg";
import type {
  Cancellation,
  ConnectOptions,
  DriverConnection,
  Notified,
  Params,
  Result,
  RowMode,
  ScriptProgress,
  Statement,
  TransactionOptions,
} from "../driver.js";
import { cancelInFlight } from "./cancel/in-flight.js";
import { CopyOut } from "./copy/copy-out.js";
import { COPY, copyRefused } from "./copy/refused.js";
import { cancelledUnsent, factsOf } from "./errors.js";
import { CountingExecution, executeMany } from "./execute-many.js";
import { Execution } from "./execution.js";
import { Notifications } from "./listen/notifications.js";
import { manyGroup, statementGroup } from "./message-group.js";
import { FACTS_NAME } from "./names/facts.js";
import { type Asks, NOTHING, nameless } from "./names/names.js";
import type { StreamOwner } from "./portal.js";
import { reset } from "./reset.js";
import { locate, ScriptExecution } from "./script/script.js";
import { Session } from "./session.js";
import { type Use, unnamed } from "./statement-cache.js";
import { PgStream } from "./stream.js";
import { alreadyOver, beginText, rolledBack } from "./transaction.js";
import { encode, NO_VALUES, type PrepareValue } from "./values/encode.js";
import { holdsEmptyArray, ParamTypes, refuseForJson } from "./values/param-types.js";
import type { Shape } from "./values/rows.js";

export class PgConnection extends Session implements DriverConnection, StreamOwner {
  readonly #prepareValue: PrepareValue;
  /** Cancelled before they were sent: the types of their params were asked for. */
  readonly copyTo = (statement: Statement) => new CopyOut(this, statement);
  readonly #notifications = new Notifications(this);
  readonly #withdrawn = new WeakSet<Statement>();

  constructor(client: Client, config: ClientConfig, options: ConnectOptions, prepareValue: PrepareValue) {
    super(client, config, options);
    this.#prepareValue = prepareValue;
  }

  execute(statement: Statement): Promise<Result> {
    return this.#checked(statement);
  }

  async beginWith(options: TransactionOptions, statement: Statement): Promise<Result> {
    return this.#checked(statement, this.#beginText(options));
  }

  async executeMany(
    sql: string,
    listOfParams: readonly Params[],
    statement: Statement = { sql, params: [], rowMode: "array" },
  ): Promise<{ readonly rowCount: number }> {
    const list = listOfParams.filter(holdsEmptyArray);
    if (list.length > 0) await this.#refuseForJson(statement, list);
    return executeMany(listOfParams, this.#prepareValue, (lists) => {
      const use = this.useOf(sql);
      const asks = this.asks(use);
      const bytes = manyGroup(sql, lists, asks);
      const ahead = asks.ahead ? 1 : 0;
      return this.sent(
        (settle) =>
          new CountingExecution(lists.length, this, bytes, settle, statement, use, ahead, asks.behind),
      );
    });
  }

  async executeScript(script: Statement, progress: ScriptProgress): Promise<void> {
    let execution: ScriptExecution | undefined;
    try {
      await this.sent((settle) => {
        execution = new ScriptExecution(this, settle, script, progress);
        return execution;
      });
    } catch (error) {
      locate(error, script.sql, progress);
      throw error;
    } finally {
      if (execution?.restarted && this.transacting) this.chained++;
      this.names?.overheard(this.transacting);
    }
  }

  listen(channel: string, heard: (notified: Notified) => void): Promise<void> {
    return this.#notifications.listen(channel, heard);
  }

  unlisten(channel: string): Promise<void> {
    return this.#notifications.unlisten(channel);
  }

  stream(statement: Statement, batch: number): AsyncIterableIterator<unknown[]> {
    return new PgStream(this, statement, batch, this.#prepareValue);
  }

  async begin(options: TransactionOptions): Promise<void> {
    await this.command(this.#beginText(options));
  }

  async commit(): Promise<void> {
    if (this.state === "idle") throw alreadyOver();
    const { tag } = await this.command("COMMIT");
    if (tag === "ROLLBACK") throw rolledBack();
  }

  async rollback(): Promise<void> {
    await this.command("ROLLBACK");
  }

  async ping(sql: string): Promise<void> {
    await this.command(sql);
  }

  async reset(): Promise<void> {
    await reset((sql) => this.command(sql));
    await this.greet();
  }

  cancel(statement: Statement): Cancellation {
    const execution = this.inFlight.find((candidate) => candidate.statement === statement);
    if (execution instanceof ParamTypes) this.#withdrawn.add(statement);
    return {
      outcome: "unknown",
      done:
        execution === undefined
          ? Promise.resolve()
          : cancelInFlight(execution, this.inFlight, this.native, this.config),
    };
  }

  checkParams(statement: Statement): Promise<void> | undefined {
    const { params } = statement;
    return params !== undefined && holdsEmptyArray(params)
      ? this.#refuseForJson(statement, [params])
      : undefined;
  }

  /** How a statement travels that is not to have a name. */
  useOf(sql: string): Use {
    return this.names?.statements.unnamed(sql) ?? unnamed(sql, "command");
  }

  /** What is to be asked beside such a statement. */
  asks(use: Use): Asks {
    return this.names?.asks(use, this.transacting) ?? NOTHING;
  }

  #beginText(options: TransactionOptions): string {
    this.access.asked = options.readOnly === true ? "reading" : "any";
    return beginText(options);
  }

  #checked(statement: Statement, begin?: string): Promise<Result> {
    const { params } = statement;
    if (params !== undefined && holdsEmptyArray(params)) return this.#askedFor(statement, params, begin);
    return this.#ran(statement, begin);
  }

  /** What is refused leaves the transaction that it would have begun open, and in good order. */
  async #askedFor(statement: Statement, params: Params, begin: string | undefined): Promise<Result> {
    if (begin !== undefined) await this.command(begin);
    await this.#refuseForJson(statement, [params]);
    return this.#ran(statement);
  }

  #ran(statement: Statement, begin?: string, anew?: Use): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#run(statement, resolve, reject, begin, anew);
    });
  }

  /** `anew`: how it goes the second time, after the first failed by what this driver had sent with it. */
  #run(
    statement: Statement,
    resolve: (result: Result | Promise<Result>) => void,
    reject: (error: unknown) => void,
    begin?: string,
    anew?: Use,
  ): void {
    const { sql, params } = statement;
    if (COPY.test(sql)) throw copyRefused();
    const values = params === undefined ? NO_VALUES : encode(params, this.#prepareValue);
    if (this.inFlight.length === 0) this.listenForStrangers();
    const { names, transacting } = this;
    const sending =
      names?.sending(sql, values, begin !== undefined || transacting, anew) ?? nameless(sql, anew);
    const { use, asks } = sending;
    const begins = begin !== undefined && !transacting;
    const settle = (error: unknown, execution: Execution) => {
      if (error === undefined) {
        const { shape, types, collected: rows, rowCount, tag } = execution;
        if (use.shape === undefined) names?.statements.learn(use, shape, types);
        const result = { rows, rowCount, lastInsertId: undefined, columns: shape.fields, command: tag };
        resolve(shape.made.length === 0 ? result : this.#withArrays(shape, result, statement.rowMode));
      } else if (anew === undefined && this.#disowned(use, execution) && (begins || !this.transacting)) {
        // Nothing of it was run, or all was undone, and no transaction has failed with it, unless one that began with
        // it.
        if (this.transacting) this.rollback().catch(ignore);
        resolve(this.#ran(statement, begin, unnamed(sql, use.kind)));
      } else reject(error);
    };
    const bytes = statementGroup(sending, values, begin);
    const ahead = (begin === undefined ? 0 : 1) + (asks.ahead ? 1 : 0);
    this.submit(new Execution(this, bytes, settle, statement, use, ahead, asks.behind));
  }

  async #withArrays({ made }: Shape, result: Result, rowMode: RowMode): Promise<Result> {
    await this.types.read(made, result.rows, rowMode, this.ask);
    return result;
  }

  /** Whether it failed by what this driver sent with it, so that it is to be run again without. */
  #disowned(use: Use, { error, refusal, unrun }: Execution): boolean {
    const { names } = this;
    if (names === undefined) return false;
    if (refusal === "26000") {
      // Where one name is lost, others may be.
      names.unaskable();
      if (factsOf(error).message.includes(FACTS_NAME)) return true;
    }
    return use.name !== "" && names.statements.disowned(use, error) && unrun;
  }

  /** An empty array is written as JSON writes an empty object: the server is asked what each of these is for. */
  async #refuseForJson(statement: Statement, lists: readonly Params[]): Promise<void> {
    let oids: readonly number[];
    try {
      const asked = await this.sent((settle) => new ParamTypes(this, settle, statement));
      oids = asked.types ?? [];
    } catch (error) {
      if (this.#withdrawn.has(statement) || this.transacting || this.life !== "open") throw error;
      return; // The statement fails by itself, in the same way.
    }
    const bases = await Promise.all(oids.map((oid) => this.types.baseOf(oid, this.ask)));
    refuseForJson(bases, lists);
    if (this.#withdrawn.has(statement)) throw cancelledUnsent();
  }
}

function ignore(): void {}
