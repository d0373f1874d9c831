/** One session through mariadb's callback API, pipelined. */
import type { FieldInfo } from "mariadb";
import type { AdbapiError } from "../../src/errors/classes.js";
import { Cork } from "../common/cork.js";
import { unreadable } from "../common/unreadable.js";
import type { Params, Result, Statement } from "../driver.js";
import { MysqlConnection } from "../mysql-family/connection.js";
import type { ConnectionSetup } from "../mysql-family/connection-setup.js";
import { unknownStatement } from "../mysql-family/errors/conditions.js";
import type { ServerError } from "../mysql-family/errors/server-error.js";
import type { Many } from "../mysql-family/execute-many.js";
import type { Part, Sent } from "../mysql-family/in-flight.js";
import type { RowSource } from "../mysql-family/row-source.js";
import { OWN } from "../mysql-family/values/result.js";
import { canBulk, streaming, withUnsigned } from "./commands.js";
import type { Opened } from "./connect.js";
import { translate } from "./errors.js";
import { manyOf } from "./execute-many.js";
import type { Answer, Native, Prepared } from "./native.js";
import { metaOf, resultOf } from "./results.js";
import { MariadbScripts } from "./scripts.js";
import { type Ready, StatementCache } from "./statement-cache.js";
import { type RowStream, rowSource } from "./stream.js";

/**
 * Rows always come as arrays, and become objects here. Those of later sets are dropped unread: mariadb hands options of
 * ours on to what reads rows.
 */
const ROWS_AS_ARRAY = { rowsAsArray: true, firstSet: true };

export interface MariadbSetup extends ConnectionSetup {
  readonly sessionVariables: Readonly<Record<string, unknown>>;
  /** False where the connect arguments refuse it. */
  readonly bulks: boolean;
}

type Resolve = (result: Result | Promise<Result>) => void;

export class MariadbConnection extends MysqlConnection {
  readonly native: Native;
  protected readonly names = "mariadb";
  protected readonly scripts: MariadbScripts;
  readonly #sessionVariables: Readonly<Record<string, unknown>>;
  readonly #bulks: boolean;
  readonly #statements: StatementCache;
  readonly #cork = new Cork();

  constructor({ native, socket, inside }: Opened, setup: MariadbSetup) {
    super(socket, setup);
    this.native = native;
    this.scripts = new MariadbScripts(native, inside);
    this.#statements = new StatementCache(native, inside, (ask) => this.room(ask));
    this.transaction.status = native.info.status;
    this.#sessionVariables = setup.sessionVariables;
    this.#bulks = setup.bulks;
    native.on("error", (error) => this.lose(error));
  }

  get id(): number {
    return this.native.threadId!;
  }

  giveRoom(): boolean {
    return this.#statements.giveRoom();
  }

  protected query(statement: Part): Promise<Result> {
    return this.#send(statement, (answered) => this.#text(statement, answered));
  }

  protected prepared(statement: Statement, values: unknown[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#execute(this.inFlight.add(statement, reject), values, resolve, true);
    });
  }

  protected many(
    sql: string,
    first: Params,
    whole: Statement | undefined,
    refusing: string,
  ): Promise<Many | undefined> {
    const connection = {
      bulks: this.#bulks && canBulk(this.native.info),
      goesAhead: this.goesAhead,
      maxAllowedPacket: this.maxAllowedPacket,
      prepare: (sql: string) => this.#statements.prepared(sql),
      text: async (part: Part) => (await this.execute(part)).rowCount,
      one: (part: Part, prepared: Prepared) => this.#one(part, prepared),
      send: (part: Part, send: (answered: Answer) => void) => this.#bulk(part, send),
      columns: (part: Part) => this.#columns(part),
      tell: (sql: string) => this.tell(sql),
      run: (prepared: Prepared) => prepared.execute([], ROWS_AS_ARRAY, () => {}),
    };
    return manyOf(connection, { sql, whole }, first, refusing);
  }

  protected async rows(statement: Statement, _batch: number, ended: () => void): Promise<RowSource> {
    return rowSource(await this.#readable(statement), statement, ended);
  }

  protected tell(sql: string): void {
    this.native.query({ sql, ...ROWS_AS_ARRAY }, () => {});
  }

  protected async resetSession(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.native.reset((error) => (error ? reject(error) : resolve()));
    });
    // mariadb sets them when it connects, and forgets them here.
    for (const [name, value] of Object.entries(this.#sessionVariables)) {
      await this.prepared(
        { sql: `SET @@${name.replace(/\W/g, "")} = ?`, params: undefined, rowMode: "array" },
        [value],
      );
    }
  }

  /**
   * mariadb is told of an end. Under TLS it has put another socket around this one, and leaves that without a listener
   * as soon as it hears of an error: the same error would come out there too, and end the process.
   */
  protected override hangUp(): void {
    this.socket.emit("end");
    this.socket.destroy();
  }

  protected quit(): void {
    this.native.end(() => {});
  }

  protected translate(error: unknown): AdbapiError {
    return translate(error);
  }

  protected askStatus(done: (error: unknown) => void): void {
    this.native.ping((error) => {
      if (!error) this.transaction.status = this.native.info.status;
      done(error);
    });
  }

  #execute(sent: Sent, values: unknown[], resolve: Resolve, again: boolean): void {
    const ready: Ready = (error, prepared) => {
      if (error) return this.failed(sent, error);
      const wrong = this.mismatch(prepared.parameterCount, values.length);
      if (wrong !== undefined) {
        prepared.close();
        return this.settle(sent, () => sent.reject(wrong));
      }
      const answered: Answer = (error, answer) => {
        prepared.close();
        if (again && error && unknownStatement(error, sent.statement.sql))
          this.#execute(sent, values, resolve, false);
        else this.#answered(sent, error, answer, metaOf(answer), resolve);
      };
      this.sending(sent, () => this.#run(prepared, values, answered));
    };
    this.sending(sent, () => this.#statements.get(sent.statement.sql, ready));
  }

  /** A command that `send` gives to mariadb. */
  #send(statement: Part, send: (answered: Answer) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      const sent = this.inFlight.add(statement, reject);
      this.#cork.hold(this.socket);
      const answered: Answer = (error, answer, meta) =>
        this.#answered(sent, error, answer, meta ?? metaOf(answer), resolve);
      this.sending(sent, () => send(answered));
    });
  }

  #text({ sql, own }: Part, answered: Answer): void {
    this.native.query({ sql, ...(own ? OWN : ROWS_AS_ARRAY) }, answered);
  }

  #run(prepared: Prepared, values: unknown[], answered: Answer): void {
    this.#cork.hold(this.socket);
    withUnsigned(prepared.conn, values, () => prepared.execute(values, ROWS_AS_ARRAY, answered));
  }

  /** One list of many. */
  async #one(statement: Part, prepared: Prepared): Promise<number> {
    const values = statement.params as unknown[];
    const refused = this.refusal(statement) ?? this.mismatch(prepared.parameterCount, values.length);
    if (refused !== undefined) throw refused;
    return (await this.#send(statement, (answered) => this.#run(prepared, values, answered))).rowCount;
  }

  async #bulk(statement: Part, send: (answered: Answer) => void): Promise<number> {
    const refused = this.gone();
    if (refused !== undefined) throw refused;
    return (await this.#send(statement, send)).rowCount;
  }

  async #columns(statement: Part): Promise<readonly FieldInfo[]> {
    let columns: readonly FieldInfo[] = [];
    if (this.gone() !== undefined) return columns;
    const send = (answered: Answer) =>
      this.#text(statement, (error, answer, meta) => {
        if (!error) columns = meta as readonly FieldInfo[];
        answered(error, answer, meta);
      });
    await this.#send(statement, send).catch(() => {});
    return columns;
  }

  #readable({ sql, params }: Statement): Promise<RowStream> {
    const values = (params ?? []) as unknown[];
    if (values.length === 0)
      return this.opening(() => this.native.queryStream({ sql, ...ROWS_AS_ARRAY }) as RowStream);
    return new Promise((resolve, reject) => {
      const ready: Ready = (error, prepared) => {
        if (error) return reject(error);
        const wrong = this.mismatch(prepared.parameterCount, values.length);
        if (wrong !== undefined) {
          prepared.close();
          return reject(wrong);
        }
        const stream = () => prepared.executeStream(values, ROWS_AS_ARRAY) as RowStream;
        const open = () => streaming(prepared.conn, values, stream).once("end", () => prepared.close());
        resolve(this.opening(open));
      };
      this.opening(() => this.#statements.get(sql, ready)).catch(reject);
    });
  }

  #answered(
    sent: Sent,
    error: ServerError | null | undefined,
    answer: unknown,
    meta: unknown,
    resolve: Resolve,
  ): void {
    if (error) {
      this.failed(sent, error);
      return;
    }
    this.transaction.status = this.native.info.status;
    let result: Result | Promise<Result>;
    try {
      result = this.keyed(resultOf(sent.statement, answer, meta));
    } catch (error) {
      this.settle(sent, () => sent.reject(unreadable(error)));
      return;
    }
    this.settle(sent, () => resolve(result));
  }
}
