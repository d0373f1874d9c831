/**
 * What is run on a session with a MySQL or MariaDB server: all of it that does not depend on the package. The packages'
 * own parts are `drivers/mysql2/connection.ts` and `drivers/mariadb/connection.ts`.
 */
import { OperationalError, TransactionAborted } from "../../src/errors/classes.js";
import type {
  Cancellation as Cancelled,
  DriverConnection,
  Params,
  Result,
  ScriptProgress,
  Statement,
  TransactionOptions,
} from "../driver.js";
import { ofCharset } from "./arguments/charset.js";
import { Cancellation } from "./cancellation.js";
import type { ServerError } from "./errors/server-error.js";
import { executeMany, FEW, type Many } from "./execute-many.js";
import type { Part } from "./in-flight.js";
import { LEFT_SQL, leftIn, restoring, textOf } from "./reset.js";
import { type RowSource, take, within } from "./row-source.js";
import { runScript, type Scripts, type SendScript } from "./scripts.js";
import { readOnlyOf, refusing } from "./send-ahead.js";
import { Session } from "./session.js";
import { ordinary, usesSessionValues } from "./text.js";
import { beginStatements, beginsReadOnly, endsTransaction } from "./transaction.js";
import { isDoubtful } from "./values/result.js";

/** How long the rest of an abandoned stream may take before it is killed, and then before the session is given up. */
const DRAIN_MILLIS = 50;
const KILLED_MILLIS = 10_000;

export abstract class MysqlConnection extends Session implements DriverConnection {
  abstract readonly native: unknown;
  protected abstract readonly scripts: Scripts;
  readonly #cancellation = new Cancellation(this.inFlight, () => this.#kill());
  /** Of which it is known that what they do can be undone. */
  readonly #undoable = new WeakSet<Statement>();

  execute(statement: Statement): Promise<Result> {
    // `bind` lets arrays through alone.
    const params = statement.params as readonly unknown[] | undefined;
    const refused = this.refusal(statement);
    if (refused !== undefined) return Promise.reject(refused);
    const answer =
      params === undefined || params.length === 0
        ? this.query(statement)
        : this.prepared(statement, params as unknown[]);
    const ends = endsTransaction(statement.sql);
    if (ends) this.transaction.readOnly = beginsReadOnly(statement.sql);
    return ends && this.state === "in transaction" ? this.#ending(answer) : answer;
  }

  async begin(options: TransactionOptions): Promise<void> {
    this.transaction.readOnly = options.readOnly === true;
    for (const sql of beginStatements(options)) await this.command(sql);
  }

  async commit(): Promise<void> {
    if (this.state === "idle" || this.state === "unknown") {
      throw new TransactionAborted(
        "the server had ended the transaction before COMMIT: nothing of it was left to commit",
      );
    }
    await this.command("COMMIT");
    this.transaction.readOnly = false;
  }

  async rollback(): Promise<void> {
    await this.command("ROLLBACK");
    this.transaction.readOnly = false;
  }

  async ping(sql: string): Promise<void> {
    await this.command(sql);
  }

  async executeMany(
    sql: string,
    listOfParams: readonly Params[],
    whole?: Statement,
  ): Promise<{ readonly rowCount: number }> {
    const readOnly = readOnlyOf(this.setup.facts.version);
    const canUndo = this.state === "in transaction" && ordinary(sql) && !usesSessionValues(sql);
    const many =
      canUndo && listOfParams.length >= FEW
        ? await this.held({ sql, params: undefined, rowMode: "object", whole }, () =>
            this.many(sql, listOfParams[0]!, whole, refusing(readOnly)),
          )
        : undefined;
    return executeMany(listOfParams, many, {
      sql,
      readOnly,
      goesAhead: this.goesAhead,
      one: async (params) => {
        const part: Part = { sql, params, rowMode: "object", whole };
        return (await this.execute(part)).rowCount;
      },
      command: async (sql, part) => {
        const statement: Part = { sql, params: undefined, rowMode: "array", whole: part && whole };
        return (await this.command(statement)).rows;
      },
      tell: (sql) => this.telling(() => this.tell(sql)),
      refuseWrites: () => this.telling(() => many?.refuseWrites()),
      undoable: () => whole !== undefined && this.#undoable.has(whole),
      setUndoable: () => whole && this.#undoable.add(whole),
      givenUp: () => this.#cancellation.hasStopped(whole),
      destroy: () => this.destroy(),
    });
  }

  async *stream(statement: Statement, batch: number): AsyncGenerator<unknown[], void, number | undefined> {
    const refused = this.refusal(statement);
    if (refused !== undefined) throw refused;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let source: RowSource | undefined;
    let whole = false;
    let lost: { readonly error: unknown } | undefined;
    const sent = this.inFlight.add(statement, (error) => {
      lost = { error };
      source?.readable.destroy(error as Error);
      end();
    });
    try {
      source = await this.rows(statement, batch, end);
      // The session ended while the rows were opened: nothing would ever end these.
      if (lost !== undefined) throw lost.error;
      for (let size = batch; ; ) {
        const rows = await take(source.readable, size);
        if (rows.length === 0) break;
        size = (yield rows.filter(source.isRow).map(source.shape)) ?? batch;
      }
      whole = true;
    } catch (error) {
      throw this.told(ofCharset(error));
    } finally {
      if (source !== undefined && this.isOpen) await this.#drained(source, ended);
      this.forget(sent);
      if (!whole || !ordinary(statement.sql)) await this.trueStatus();
    }
  }

  async executeScript(script: Statement, progress: ScriptProgress): Promise<void> {
    const refused = this.refusal(script);
    if (refused !== undefined) throw refused;
    await runScript(this.scripts, script, progress, {
      isOpen: () => this.isOpen,
      isStopped: () => this.#cancellation.hasStopped(script),
      allow: (part, ask) => this.held(part, ask),
      run: (send) => this.#script(script, send),
      transaction: this.transaction,
    });
  }

  cancel(statement: Statement): Cancelled {
    return { outcome: "unknown", done: this.#cancellation.stop(statement) };
  }

  async reset(): Promise<void> {
    await this.resetSession();
    const { rows } = await this.command(LEFT_SQL);
    const statements = restoring(this.setup.facts, leftIn(rows[0] as unknown[]));
    if (typeof statements === "string") {
      this.destroy();
      throw new OperationalError(statements);
    }
    for (const sql of statements) await this.command(sql);
  }

  /** One text without params. */
  protected abstract query(statement: Part): Promise<Result>;
  /** One text with its params, prepared by the server; their numbers must be the same. */
  protected abstract prepared(statement: Statement, values: unknown[]): Promise<Result>;
  /** The rows of a statement as they come; `ended` is called once the server has said all. */
  protected abstract rows(statement: Statement, batch: number, ended: () => void): Promise<RowSource>;
  /** Sends a text, and drops its answer. */
  protected abstract tell(sql: string): void;
  /** Undefined where nothing is gained by it, or the text cannot be prepared. */
  protected abstract many(
    sql: string,
    first: Params,
    whole: Statement | undefined,
    refusing: string,
  ): Promise<Many | undefined>;
  /** COM_RESET_CONNECTION. */
  protected abstract resetSession(): Promise<void>;

  /** A statement of the library's own. */
  protected async command(statement: string | Part): Promise<Result> {
    const gone = this.gone();
    if (gone !== undefined) throw gone;
    if (typeof statement !== "string") return this.query(statement);
    return this.query({ sql: statement, params: undefined, rowMode: "array", own: true });
  }

  /** A doubtful key is held against what the server says that it generated. */
  protected keyed(result: Result): Result | Promise<Result> {
    return isDoubtful(result.lastInsertId) ? this.#surelyKeyed(result) : result;
  }

  #script(script: Statement, send: SendScript): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = this.inFlight.add(script, reject);
      const done = (error: ServerError | undefined) =>
        error === undefined ? this.settleWithStatus(sent, resolve) : this.failed(sent, error);
      this.sending(sent, () => send(done));
    });
  }

  async #surelyKeyed(result: Result): Promise<Result> {
    const generated = await this.command("SELECT CAST(LAST_INSERT_ID() AS CHAR)").catch(() => undefined);
    const [key] = (generated?.rows[0] ?? []) as unknown[];
    return textOf(key) === String(result.lastInsertId) ? result : { ...result, lastInsertId: undefined };
  }

  /** The answer to what ends a transaction: where one is open after it, it is the next. */
  async #ending(answer: Promise<Result>): Promise<Result> {
    const result = await answer;
    this.transaction.ended();
    return result;
  }

  /** The server sends what it has begun: little is read to its end, the rest is killed. */
  async #drained(source: RowSource, ended: Promise<void>): Promise<void> {
    source.discard();
    if (await within(DRAIN_MILLIS, ended)) return;
    await this.#kill();
    if (!(await within(KILLED_MILLIS, ended))) this.destroy();
  }

  /** After a KILL QUERY that may still come no statement must run here: the session is ended. */
  async #kill(): Promise<void> {
    try {
      await this.setup.aside(`KILL QUERY ${this.id}`);
    } catch {
      this.destroy();
    }
  }
}
