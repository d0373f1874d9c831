/** One session. */

import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientConfig } from "pg";
import { ConnectionLost } from "../../src/errors/classes.js";
import { Cork } from "../common/cork.js";
import { endedBefore } from "../common/lost.js";
import { guardData, spoiled, unreadable } from "../common/unreadable.js";
import type {
  Cancellation,
  ConnectOptions,
  DriverConnection,
  Params,
  Result,
  RowMode,
  SessionState,
  Statement,
  TransactionOptions,
} from "../driver.js";
import { Access } from "./access.js";
import { requestCancel } from "./cancel.js";
import { COPY, copyRefused } from "./copy.js";
import { cancelledUnsent, factsOf, isServerError, translate } from "./errors.js";
import { CountingExecution, executeMany } from "./execute-many.js";
import { Execution, OwnExecution } from "./execution.js";
import { leave } from "./leaving.js";
import { manyGroup, statementGroup } from "./message-group.js";
import { FACTS_NAME, type Greeting, greeting, greetingOfRow } from "./names/facts.js";
import { type Asks, Names, NOTHING } from "./names/names.js";
import { isReplicationWarning, replicationWarning } from "./notices.js";
import type { StreamOwner } from "./portal.js";
import { reset } from "./reset.js";
import { type Use, unnamed } from "./statement-cache.js";
import { PgStream } from "./stream.js";
import { alreadyOver, beginText, endsTransaction, rolledBack } from "./transaction.js";
import { encode, type PrepareValue } from "./values/encode.js";
import { MadeTypes, type TextRows } from "./values/made-types.js";
import { exactParsers } from "./values/numbers.js";
import { holdsEmptyArray, ParamTypes, refuseForJson } from "./values/param-types.js";
import type { GetParser, ParseText, Shape } from "./values/rows.js";
import { guarded, Styles } from "./values/styles.js";
import * as wire from "./wire.js";

/** Of pg's `Connection`, what its types leave out. */
interface Internals {
  attachListeners(stream: Socket): void;
}

export class PgConnection implements DriverConnection, StreamOwner {
  readonly native: Client;
  readonly getParser: GetParser;
  readonly #config: ClientConfig;
  readonly #prepareValue: PrepareValue;
  readonly types: MadeTypes;
  /** Cancelled before they were sent: the types of their params were asked for. */
  readonly #withdrawn = new WeakSet<Statement>();
  /** Undefined where statements are not to have names, and where another session may answer for them. */
  #names: Names | undefined;
  readonly #prepare: boolean;
  readonly #styles = new Styles();
  readonly #onLost: (error: unknown) => void;
  #departed: Promise<void> | undefined;
  asides = 0;
  readonly #access: Access;
  /** Sent and not yet settled, in the order of their answers: the server works on the first. */
  readonly #inFlight: Execution[] = [];
  #life: "opening" | "open" | "closing" | "lost" = "opening";
  /** What ended it, when that was not this side. */
  #reason: unknown;
  readonly #cork = new Cork();
  #chained = 0;
  /** How often the server was ready for more, and how often that was the end of something sent here. */
  #readies = 0;
  #ends = 0;

  constructor(client: Client, config: ClientConfig, options: ConnectOptions, prepareValue: PrepareValue) {
    const { settings, onLost, onWarning } = options;
    this.native = client;
    this.#config = config;
    this.#prepareValue = prepareValue;
    this.#onLost = onLost;
    this.#prepare = settings.prepare;
    this.getParser = (oid) => guarded(oid, client.getTypeParser(oid) as ParseText, this.#styles);
    for (const [oid, parser] of exactParsers(settings.int64, this.getParser))
      client.setTypeParser(oid, parser);
    this.types = new MadeTypes(this.getParser);
    this.#access = new Access(client);
    const { connection } = client;
    // Heard before pg's client hears it, and tells the statement.
    connection.on("readyForQuery", () => this.#readies++);
    connection.on("bindComplete", () => {
      const [head] = this.#inFlight;
      if (head !== undefined) head.bound++;
    });
    connection.on("parameterDescription", ({ dataTypeIDs }: { readonly dataTypeIDs: readonly number[] }) => {
      const [head] = this.#inFlight;
      if (head !== undefined) head.types = dataTypeIDs;
    });
    connection.on("parameterStatus", ({ parameterName, parameterValue }: ParameterStatus) =>
      this.#styles.report(parameterName, parameterValue),
    );
    connection.on("notice", (notice: unknown) => {
      this.asides++;
      if (isReplicationWarning(notice)) onWarning?.(replicationWarning(notice));
    });
    // pg reports a loss up to twice, and an 'error' that nobody hears ends the process.
    client.on("error", (error) => this.#lost(error));
    client.on("end", () => this.#lost(new Error("Connection terminated")));
  }

  get id(): number | undefined {
    return (this.native as Client & { readonly processID: number | null }).processID ?? undefined;
  }

  get received(): number {
    return (this.native.connection.stream as Socket).bytesRead;
  }

  get state(): SessionState {
    if (this.#life !== "open") return "broken";
    if (this.#inFlight.length > 0 || !this.#atRest) return "unknown";
    return this.#inTransaction ? "in transaction" : "idle";
  }

  get transacting(): boolean {
    return this.#inTransaction;
  }

  get chained(): number {
    return this.#chained;
  }

  /** Its server takes no writes any more. */
  get unfit(): boolean {
    return this.#access.refused;
  }

  get departed(): Promise<void> | undefined {
    return this.#departed;
  }

  async open(): Promise<void> {
    const { connection } = this.native as Client & { readonly connection: Internals };
    const listen = connection.attachListeners;
    // Called again for the stream above TLS.
    connection.attachListeners = (stream) => {
      listen.call(connection, stream);
      guardData(stream, (error) => this.#broken(error));
    };
    const unref = () => (connection.stream as Partial<Socket>).unref?.();
    connection.on("sslconnect", unref);
    const connecting = this.native.connect();
    unref();
    await connecting;
    if (this.#life !== "opening") throw new ConnectionLost("the connection was lost as soon as it was open");
    this.#life = "open";
    this.#ends = this.#readies;
    const facts = await this.#greet();
    if (this.#prepare && facts !== undefined && facts.pid === this.id) this.#names = new Names(facts);
  }

  execute(statement: Statement): Promise<Result> {
    return this.#checked(statement);
  }

  async beginWith(options: TransactionOptions, statement: Statement): Promise<Result> {
    this.#access.begins(options);
    return this.#checked(statement, beginText(options));
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
      const bytes = manyGroup({ sql, lists, asks });
      const ahead = asks.ahead ? 1 : 0;
      return this.#sent(
        (settle) =>
          new CountingExecution(lists.length, this, bytes, settle, statement, use, ahead, asks.behind),
      );
    });
  }

  stream(statement: Statement, batch: number): AsyncIterableIterator<unknown[]> {
    return new PgStream(this, statement, batch, this.#prepareValue);
  }

  async begin(options: TransactionOptions): Promise<void> {
    this.#access.begins(options);
    await this.#command(beginText(options));
  }

  async commit(): Promise<void> {
    if (this.state === "idle") throw alreadyOver();
    const { tag } = await this.#command("COMMIT");
    if (tag === "ROLLBACK") throw rolledBack();
  }

  async rollback(): Promise<void> {
    await this.#command("ROLLBACK");
  }

  async ping(sql: string): Promise<void> {
    await this.#command(sql);
  }

  async reset(): Promise<void> {
    await reset((sql) => this.#command(sql));
    await this.#greet();
  }

  cancel(statement: Statement): Cancellation {
    const execution = this.#inFlight.find((candidate) => candidate.statement === statement);
    if (execution instanceof ParamTypes) this.#withdrawn.add(statement);
    return {
      outcome: "unknown",
      done: execution === undefined ? Promise.resolve() : this.#cancel(execution),
    };
  }

  async close(): Promise<void> {
    if (this.#life === "open") this.#life = "closing";
    await this.native.end();
  }

  destroy(): void {
    this.#lost(undefined);
  }

  checkParams(statement: Statement): Promise<void> | undefined {
    const { params } = statement;
    return params !== undefined && holdsEmptyArray(params)
      ? this.#refuseForJson(statement, [params])
      : undefined;
  }

  /** Rows of text for a question of the driver's own. */
  readonly ask = async (sql: string): Promise<TextRows> =>
    (await this.#command(sql)).collected as (string | null)[][];

  /** How a statement travels that is not to have a name. */
  useOf(sql: string): Use {
    return this.#names?.statements.unnamed(sql) ?? unnamed(sql, "command");
  }

  /** What is to be asked beside such a statement. */
  asks(use: Use): Asks {
    return this.#names?.asks(use, this.#inTransaction) ?? NOTHING;
  }

  submit(execution: Execution): void {
    if (this.#life !== "open")
      throw endedBefore(this.#reason === undefined ? undefined : translate(this.#reason));
    this.native.query(execution as never);
  }

  send(execution: Execution): void {
    this.#inFlight.push(execution);
    this.write(execution.bytes);
  }

  /** What is written in one turn goes out at its end, at once. pg's own writes keep their place among it. */
  write(bytes: Buffer): void {
    const { stream } = this.native.connection;
    this.#cork.hold(stream);
    stream.write(bytes);
  }

  settled(execution: Execution): Promise<void> | undefined {
    const inFlight = this.#inFlight;
    const place = inFlight.indexOf(execution);
    if (place >= 0) inFlight.splice(place, 1);
    const { statement, tag } = execution;
    execution.inTransaction = this.#inTransaction;
    if (execution.error !== undefined && this.#access.refusedBy(execution.error)) execution.readOnly = true;
    if (!this.#inTransaction) this.#access.asked = "any";
    if (statement !== undefined && this.#inTransaction && endsTransaction(tag, statement.sql))
      this.#chained++;
    this.#ends++;
    this.#listenForStrangers();
    this.#names?.settled(execution, this.#inTransaction);
    execution.onHead?.();
    inFlight[0]?.onHead?.();
    if (this.#life === "open" && this.#styles.lost(execution)) return this.#greet().then(ignore);
    return undefined;
  }

  /** Statements that were given to `native` directly are seen here only. */
  get #atRest(): boolean {
    return (this.native as Client & { readonly readyForQuery: boolean }).readyForQuery;
  }

  get #inTransaction(): boolean {
    return this.native.getTransactionStatus() !== "I";
  }

  #checked(statement: Statement, begin?: string): Promise<Result> {
    const { params } = statement;
    if (params !== undefined && holdsEmptyArray(params)) return this.#askedFor(statement, params, begin);
    return this.#ran(statement, begin);
  }

  /** What is refused leaves the transaction that it would have begun open, and in good order. */
  async #askedFor(statement: Statement, params: Params, begin: string | undefined): Promise<Result> {
    if (begin !== undefined) await this.#command(begin);
    await this.#refuseForJson(statement, [params]);
    return this.#ran(statement);
  }

  #ran(statement: Statement, begin?: string): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#run(statement, resolve, reject, begin);
    });
  }

  /** An empty array is written as JSON writes an empty object: the server is asked what each of these is for. */
  async #refuseForJson(statement: Statement, lists: readonly Params[]): Promise<void> {
    let oids: readonly number[];
    try {
      const asked = await this.#sent((settle) => new ParamTypes(this, settle, statement));
      oids = asked.types ?? [];
    } catch (error) {
      if (this.#withdrawn.has(statement) || this.#inTransaction || this.#life !== "open") throw error;
      return; // The statement fails by itself, in the same way.
    }
    const bases = await Promise.all(oids.map((oid) => this.types.baseOf(oid, this.ask)));
    refuseForJson(bases, lists);
    if (this.#withdrawn.has(statement)) throw cancelledUnsent();
  }

  async #withArrays({ made }: Shape, result: Result, rowMode: RowMode): Promise<Result> {
    await this.types.read(made, result.rows, rowMode, this.ask);
    return result;
  }

  #run(
    statement: Statement,
    resolve: (result: Result | Promise<Result>) => void,
    reject: (error: unknown) => void,
    begin?: string,
    anew?: Use,
  ): void {
    const { sql, params } = statement;
    if (COPY.test(sql)) throw copyRefused();
    const values = encode(params, this.#prepareValue);
    if (this.#inFlight.length === 0) this.#listenForStrangers();
    const names = this.#names;
    const use = anew ?? names?.statements.use(sql, values) ?? unnamed(sql, "command");
    const asks = names?.asks(use, begin !== undefined || this.#inTransaction) ?? NOTHING;
    const forgotten = names?.statements.takeForgotten() ?? [];
    const bytes = statementGroup({ values, use, forgotten, begin, asks });
    const begins = begin !== undefined && !this.#inTransaction;
    const settle = (error: unknown, execution: Execution) => {
      if (error === undefined) {
        names?.statements.learn(use, execution.shape, execution.types);
        const { shape, result } = execution;
        resolve(shape.made.length === 0 ? result : this.#withArrays(shape, result, statement.rowMode));
      } else if (anew === undefined && this.#disowned(use, execution) && (begins || !this.#inTransaction)) {
        // Nothing of it was run, or all was undone, and no transaction has failed with it, unless one that began with
        // it.
        if (this.#inTransaction) this.rollback().catch(ignore);
        const again = unnamed(sql, use.kind);
        resolve(new Promise((...then) => this.#run(statement, ...then, begin, again)));
      } else reject(error);
    };
    const ahead = (begin === undefined ? 0 : 1) + (asks.ahead ? 1 : 0);
    this.submit(new Execution(this, bytes, settle, statement, use, ahead, asks.behind));
  }

  /** Whether it failed by what this driver sent with it, so that it is to be run again without. */
  #disowned(use: Use, { error, unrun }: Execution): boolean {
    const names = this.#names;
    if (names === undefined) return false;
    const { code, message } = factsOf(error);
    // Where one name is lost, others may be.
    if (code === "26000") names.unaskable();
    if (code === "26000" && message.includes(FACTS_NAME)) return true;
    return names.statements.disowned(use, error) && unrun;
  }

  /** Whoever has `native` may say anything to it. */
  #listenForStrangers(): void {
    if (this.#readies === this.#ends) return;
    this.#ends = this.#readies;
    this.#names?.overheard(this.#inTransaction);
  }

  /**
   * Asks for the styles that values are read by, and for the facts; undefined where the server does not know what is
   * asked.
   */
  async #greet(): Promise<Greeting | undefined> {
    try {
      const { collected } = await this.#command(greeting(this.id));
      const facts = greetingOfRow(collected[0] as unknown[]);
      this.#styles.floatDigits = facts.floatDigits;
      return facts;
    } catch (error) {
      if (!isServerError(error) || this.#life !== "open") throw error;
      return undefined;
    }
  }

  /** A text of the driver's own, or one that may hold several statements, by the simple protocol. */
  #command(sql: string): Promise<Execution> {
    const bytes = wire.group(() => wire.query(sql));
    return this.#sent((settle) => new OwnExecution(this, bytes, settle));
  }

  #sent(make: (settle: (error: unknown, execution: Execution) => void) => Execution): Promise<Execution> {
    return new Promise((resolve, reject) => {
      this.submit(make((error, execution) => (error === undefined ? resolve(execution) : reject(error))));
    });
  }

  /** What stands behind others in the pipeline cannot be withdrawn, and a request would hit the one ahead: it waits. */
  async #cancel(execution: Execution): Promise<void> {
    while (this.#inFlight[0] !== execution && !execution.done) await moved(execution);
    // A request on its own connection can overtake the statement, and then stops nothing: it is made again.
    for (let pause = 20; !execution.done; pause *= 2) {
      this.#mayHit();
      await requestCancel(this.native, this.#config).catch(ignore);
      this.#mayHit();
      if (!execution.done) await Promise.race([moved(execution), sleep(pause, undefined, { ref: false })]);
    }
  }

  /** The server cancels whatever it works on when the request arrives. */
  #mayHit(): void {
    for (const execution of this.#inFlight) execution.asked = true;
  }

  /** pg's parser stands in the middle of a message, and goes no further: who waits for it hears why. */
  #broken(error: unknown): void {
    if (this.#life === "opening") {
      this.native.connection.emit("error", error instanceof Error ? error : unreadable(error));
      return;
    }
    const [head] = this.#inFlight;
    const reason = unreadable(error);
    if (head !== undefined) {
      head.error ??= reason;
      head.finish();
    }
    this.#lost(spoiled(reason));
  }

  /** Without an error: because this side wants it so. */
  #lost(error: unknown): void {
    const life = this.#life;
    if (life === "lost") return;
    this.#life = "lost";
    const { stream } = this.native.connection;
    if (error === undefined && life === "open" && this.#inFlight.length > 0 && !stream.destroyed)
      this.#departed = leave(this.native, this.#config);
    else stream.destroy();
    // What the server said to the statement that it ended the session under tells more than the socket's end, to all
    // that were behind it too.
    this.#reason = error && (this.#inFlight.map((execution) => execution.error).find(saysGoodbye) ?? error);
    for (const execution of [...this.#inFlight]) {
      execution.error ??=
        this.#reason ?? new ConnectionLost("the connection was destroyed with this in flight");
      execution.finish();
    }
    if (error !== undefined && life === "open") this.#onLost(this.#reason);
  }
}

interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}

/** Fires when it has settled, or becomes the one that the server works on. */
function moved(execution: Execution): Promise<void> {
  return new Promise((resolve) => {
    const also = execution.onHead;
    execution.onHead = () => {
      also?.();
      resolve();
    };
  });
}

/** A server's last word. */
function saysGoodbye(error: unknown): boolean {
  return isServerError(error) && translate(error) instanceof ConnectionLost;
}

function ignore(): void {}
