/**
 * One session with a MySQL or MariaDB server: all of it that does not depend on the package. The packages' own parts
 * are `drivers/mysql2/connection.ts` and `drivers/mariadb/connection.ts`.
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type AdbapiError,
  ConnectionLost,
  OperationalError,
  ProgrammingError,
  TransactionAborted,
} from "../../src/errors/classes.js";
import { endedBefore } from "../common/lost.js";
import { spoiled, unreadable } from "../common/unreadable.js";
import type {
  Cancellation,
  DriverConnection,
  Params,
  Result,
  SessionState,
  Statement,
  TransactionOptions,
} from "../driver.js";
import { ofCharset } from "./arguments/charset.js";
import { endsSession, isReadOnlyServer } from "./errors/conditions.js";
import { type Product, productOf, sentBy } from "./errors/sender.js";
import type { ServerError } from "./errors/server-error.js";
import { hungUp } from "./errors/translate.js";
import { type ManySession, readOnlyOf, refusing, type Step, sendAhead } from "./execute-many.js";
import type { Faults } from "./faults.js";
import { excess } from "./packet-limit.js";
import { type Facts, LEFT_SQL, leftIn, restoring, textOf } from "./reset.js";
import { type Keeper, keeping, withRoom } from "./statement-room.js";
import { type RowSource, take, within } from "./stream.js";
import { ordinary, usesSessionValues } from "./text.js";
import { beginStatements, ended, endsTransaction, FRESH_STATUS, stateOf } from "./transaction.js";
import { isDoubtful } from "./values/result.js";

/** One of many: cancelling the whole cancels it. */
export interface Part extends Statement {
  readonly whole?: Statement | undefined;
  /** The driver's own: the user's `typeCast` has no say in it. */
  readonly own?: true;
  /** Others are sent behind it before its answer: it must not be sent again by itself. */
  readonly ahead?: true;
}

/** How a package sends many lists of params of one text ahead of their answers. */
export interface Many {
  steps(lists: readonly Params[]): Iterable<Step>;
  /** Asks the server what the steps of these lists depend on, once the first list has been run. */
  look?(lists: readonly Params[]): Promise<void>;
  /** Sends a text that is known beforehand; nobody waits for its answer. */
  refuseWrites(): void;
  close(): void;
}

/** A statement that was sent and has not settled. */
export interface InFlight {
  readonly statement: Part;
  readonly reject: (error: unknown) => void;
}

export interface ConnectionSetup {
  /** What the server said of the new session. */
  readonly facts: Facts;
  /** How many statements it takes ahead of their answers; undefined: as many as the driver says. */
  readonly pipeline: 1 | undefined;
  /** How many the pool wants to have in flight at the most. */
  readonly most: number;
  readonly onLost: (error: unknown) => void;
  /** What the package throws while nobody can catch it. */
  readonly faults: Faults;
  /** Runs one statement on a session of its own, and closes that. */
  readonly aside: (sql: string) => Promise<void>;
}

const READ_ONLY = /\bread\s+only\b/i;
/** Most commands of an `executeMany` under way without an answer. */
const MOST_AHEAD = 512;
/** Fewer lists are sent one by one: going ahead takes some round trips of its own. */
const FEW = 6;

/** How long the rest of an abandoned stream may take before it is killed, and then before the session is given up. */
const DRAIN_MILLIS = 50;
const KILLED_MILLIS = 10_000;

export abstract class MysqlConnection implements DriverConnection, Keeper {
  abstract readonly native: unknown;
  abstract readonly id: number;
  readonly pipeline: number | undefined;
  protected readonly socket: Socket;
  #status = FRESH_STATUS;
  #chained = 0;
  #unfit = false;
  /** The transaction was begun as read-only. */
  #reading = false;
  readonly #setup: ConnectionSetup;
  /** Whose names the package has for numbers of errors. */
  protected abstract readonly names: Product;
  readonly #product: Product;
  /** Oldest first: the server works at the first. */
  readonly #inFlight: InFlight[] = [];
  /** What was cancelled, as far as somebody still holds it. */
  readonly #givenUp = new WeakSet<Statement>();
  /** Of which it is known that what they do can be undone. */
  readonly #undoable = new WeakSet<Statement>();
  #phase: "open" | "closing" | "broken" = "open";
  /** What ended it, when that was not this side. */
  #reason: unknown;
  /** From then on none of its statements are asked for. */
  readonly #stopKeeping: () => void;

  constructor(socket: Socket, setup: ConnectionSetup) {
    this.socket = socket;
    this.#setup = setup;
    this.#product = productOf(setup.facts.version);
    this.pipeline = setup.pipeline;
    this.#stopKeeping = keeping(setup.facts.server, this);
    const lose = () => this.lose(hungUp());
    // From the end on nothing can be written, though the close comes later: what is asked in between is "not sent".
    socket.once("end", lose).once("close", lose);
    setup.faults.heard = (error) => this.#broken(error);
  }

  get received(): number {
    return this.socket.bytesRead;
  }

  get state(): SessionState {
    return this.#phase === "open" ? stateOf(this.#status) : "broken";
  }

  get chained(): number {
    return this.#chained;
  }

  execute(statement: Statement): Promise<Result> {
    const { params } = statement;
    const refused = this.refusal(statement);
    if (refused !== undefined) return Promise.reject(refused);
    const answer =
      params === undefined || params.length === 0
        ? this.query(statement)
        : this.prepared(statement, params as unknown[]);
    const ends = endsTransaction(statement.sql);
    if (ends) this.#reading = READ_ONLY.test(statement.sql);
    return ends && this.state === "in transaction" ? this.#followed(answer) : answer;
  }

  async begin(options: TransactionOptions): Promise<void> {
    this.#reading = options.readOnly === true;
    for (const sql of beginStatements(options)) await this.command(sql);
  }

  async commit(): Promise<void> {
    if (this.state === "idle" || this.state === "unknown") {
      throw new TransactionAborted(
        "The server had ended the transaction before COMMIT: nothing of it was left to commit",
      );
    }
    await this.command("COMMIT");
    this.#reading = false;
  }

  async rollback(): Promise<void> {
    await this.command("ROLLBACK");
    this.#reading = false;
  }

  async ping(sql: string): Promise<void> {
    await this.command(sql);
  }

  async executeMany(
    sql: string,
    listOfParams: readonly Params[],
    whole?: Statement,
  ): Promise<{ readonly rowCount: number }> {
    const one = async (params: Params) =>
      (await this.execute({ sql, params, rowMode: "object", whole } as Part)).rowCount;
    const givenUp = () => this.givenUp(whole);
    const readOnly = readOnlyOf(this.#setup.facts.version);
    const undoable = this.state === "in transaction" && ordinary(sql) && !usesSessionValues(sql);
    const many =
      undoable && listOfParams.length >= FEW
        ? await this.#held({ sql, params: undefined, rowMode: "object", whole }, () =>
            this.many(sql, listOfParams[0]!, whole, refusing(readOnly)),
          )
        : undefined;
    if (many === undefined) {
      let rowCount = 0;
      for (const params of listOfParams) {
        if (givenUp()) break;
        rowCount += await one(params);
      }
      return { rowCount };
    }
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(send: () => Promise<T>): Promise<T> => {
      if (this.goesAhead) return send();
      const answer = last.then(send, send);
      last = answer;
      return answer;
    };
    const command = async (text: string, part?: "part") => {
      const statement: Part = { sql: text, params: undefined, rowMode: "array", whole: part && whole };
      return (await inTurn(() => this.command(statement))).rows;
    };
    const session: ManySession = {
      sql,
      steps: (lists) => (this.goesAhead ? many.steps(lists) : stepsInTurn(many.steps(lists), inTurn)),
      look: many.look,
      readOnly,
      refuseWrites: () => this.#telling(() => many.refuseWrites()),
      most: this.goesAhead ? MOST_AHEAD : 1,
      undoable: () => whole !== undefined && this.#undoable.has(whole),
      setUndoable: () => whole && this.#undoable.add(whole),
      tell: (text) => this.#telling(() => this.tell(text)),
      one,
      command,
      givenUp,
      destroy: () => this.destroy(),
    };
    try {
      return { rowCount: await sendAhead(session, listOfParams) };
    } finally {
      many.close();
    }
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
    const entry = this.sent(statement, (error) => {
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
      throw this.#told(ofCharset(error));
    } finally {
      if (source !== undefined && this.#phase === "open") await this.#drained(source, ended);
      this.#forget(entry);
      if (!whole || !ordinary(statement.sql)) await this.#trueStatus();
    }
  }

  cancel(statement: Statement): Cancellation {
    this.#givenUp.add(statement);
    return { outcome: "unknown", done: this.#stop(statement) };
  }

  async reset(): Promise<void> {
    await this.resetSession();
    const { rows } = await this.command(LEFT_SQL);
    const statements = restoring(this.#setup.facts, leftIn(rows[0] as unknown[]));
    if (typeof statements === "string") {
      this.destroy();
      throw new OperationalError(statements);
    }
    for (const sql of statements) await this.command(sql);
  }

  close(): Promise<void> {
    if (this.#phase !== "open") return Promise.resolve();
    this.#phase = "closing";
    this.#stopKeeping();
    return new Promise((resolve) => {
      this.socket.once("close", () => resolve());
      if (this.#inFlight.length === 0) this.quit();
    });
  }

  destroy(): void {
    this.#finish(new ConnectionLost("The connection was destroyed"));
  }

  get atRest(): boolean {
    return this.#phase === "open" && this.#inFlight.length === 0;
  }

  abstract giveRoom(): boolean;

  /** Where this session's own statements have made room, and it was not enough: `ask` says whether there is now. */
  protected room(ask: () => Promise<boolean>): Promise<void> {
    return withRoom(this.#setup.facts.server, this, async () => this.gone() !== undefined || ask());
  }

  /** Whether nothing more of the whole is to be sent: most KILLs come between two of its parts, and stop nothing. */
  protected givenUp(whole: Statement | undefined): boolean {
    return whole !== undefined && this.#givenUp.has(whole);
  }

  /** One text without params. */
  protected abstract query(statement: Part): Promise<Result>;
  /** One text with its params, prepared by the server; their numbers must be the same. */
  protected abstract prepared(statement: Statement, values: unknown[]): Promise<Result>;
  /** The rows of a statement as they come; `ended` is called once the server has said all. */
  protected abstract rows(statement: Statement, batch: number, ended: () => void): Promise<RowSource>;
  /** Sends a text whose answer nobody waits for. */
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
  /** COM_QUIT, with nothing in flight. */
  protected abstract quit(): void;
  /** The package's error as one of the tree's. */
  protected abstract translate(error: unknown): AdbapiError;
  /** Ends the socket at once, and with it what the package still waits for. */
  protected hangUp(error: Error | undefined): void {
    this.socket.destroy(error);
  }

  /** Has the server say its status, in `status`. */
  protected abstract askStatus(done: (error: unknown) => void): void;

  /** The server's status word, as the last answer that had one brought it. */
  protected get status(): number {
    return this.#status;
  }

  protected set status(status: number) {
    // Without autocommit the next statement will open another, and nothing tells them apart.
    if (ended(this.#status, status)) this.#chained++;
    this.#status = status;
  }

  /** A statement of the library's own. */
  protected async command(statement: string | Part): Promise<Result> {
    const gone = this.gone();
    if (gone !== undefined) throw gone;
    if (typeof statement !== "string") return this.query(statement);
    return this.query({ sql: statement, params: undefined, rowMode: "array", own: true });
  }

  /** Whether several statements may be under way at a time. */
  protected get goesAhead(): boolean {
    return this.pipeline !== 1 && this.#setup.most > 1;
  }

  /** Why the statement is not sent. */
  protected refusal(statement: Statement): Error | undefined {
    return this.gone() ?? excess(statement, this.#setup.facts.maxAllowedPacket);
  }

  protected get maxAllowedPacket(): number {
    return this.#setup.facts.maxAllowedPacket;
  }

  /** A doubtful key is held against what the server says that it generated. */
  protected keyed(result: Result): Result | Promise<Result> {
    return isDoubtful(result.lastInsertId) ? this.#surelyKeyed(result) : result;
  }

  protected sent(statement: Part, reject: (error: unknown) => void): InFlight {
    const entry = { statement, reject };
    this.#inFlight.push(entry);
    return entry;
  }

  protected settle(entry: InFlight, settle: () => void): void {
    this.#forget(entry);
    settle();
  }

  /** Its server takes no writes any more. */
  get unfit(): boolean {
    return this.#unfit;
  }

  /** An error has no status with it: unless nothing can have happened to a transaction, the server is asked. */
  protected failed(entry: InFlight, error: ServerError): void {
    this.#told(error);
    // What is sent ahead may be refused because the library asked for that.
    if (!entry.statement.ahead && isReadOnlyServer(error, this.#reading)) this.#unfit = true;
    if (endsSession(error)) {
      this.settle(entry, () => entry.reject(error));
      this.lose(error);
    } else if (this.state === "idle" && ordinary(entry.statement.sql)) {
      this.settle(entry, () => entry.reject(error));
    } else {
      this.settleWithStatus(entry, () => entry.reject(error));
    }
  }

  protected settleWithStatus(entry: InFlight, settle: () => void): void {
    this.askStatus((error) => {
      if (error) this.lose(error);
      this.settle(entry, settle);
    });
  }

  /** A package that throws while it sends has its line in disorder: nobody knows whose the next answer is. */
  protected sending(entry: InFlight, send: () => void): void {
    try {
      send();
    } catch (error) {
      this.settle(entry, () => entry.reject(ofCharset(error)));
      this.#unsent(error);
    }
  }

  /** The same, of a stream: fires with what is given back. */
  protected opening<T>(send: () => T): Promise<T> {
    return new Promise((resolve) => resolve(send())).catch((error: unknown) => {
      this.#unsent(error);
      throw ofCharset(error);
    }) as Promise<T>;
  }

  /** The same, of what nobody waits for. */
  #telling(send: () => void): void {
    if (this.gone() !== undefined) return;
    try {
      send();
    } catch (error) {
      this.#unsent(error);
    }
  }

  #unsent(error: unknown): void {
    const message = "The connection was given up: a statement could not be sent";
    this.lose(new ConnectionLost(message, { cause: ofCharset(error) }));
  }

  /** The package cannot go on in the midst of this session: who waits for an answer hears why. */
  #broken(error: unknown): void {
    const [head] = this.#inFlight;
    const reason = unreadable(ofCharset(error));
    if (head !== undefined) this.settle(head, () => head.reject(reason));
    this.lose(spoiled(reason));
  }

  /** The session died. Told once, and only when nobody here ended it. */
  protected lose(error: unknown): void {
    const byItself = this.#phase === "open";
    this.#told(error);
    if (byItself) this.#reason = error;
    this.#finish(error);
    if (byItself) this.#setup.onLost(error);
  }

  /** A failure means what its number means on this session's server. */
  #told<E>(error: E): E {
    return sentBy(error, this.#product, this.names);
  }

  /** Why nothing more can be sent. */
  protected gone(): ConnectionLost | undefined {
    if (this.#phase === "open") return undefined;
    return endedBefore(this.#reason === undefined ? undefined : this.translate(this.#reason));
  }

  protected mismatch(expected: number, given: number): ProgrammingError | undefined {
    if (expected === given) return undefined;
    return new ProgrammingError(`The statement has ${expected} placeholders, and ${given} params were given`);
  }

  /** What a package is asked for beside statements: it may never answer on a session that has ended. */
  #held<T>(part: Part, ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const entry = this.sent(part, reject);
      ask().then(
        (answer) => this.settle(entry, () => resolve(answer)),
        (error: unknown) => this.settle(entry, () => reject(error)),
      );
    });
  }

  async #surelyKeyed(result: Result): Promise<Result> {
    const generated = await this.command("SELECT CAST(LAST_INSERT_ID() AS CHAR)").catch(() => undefined);
    const [key] = (generated?.rows[0] ?? []) as unknown[];
    return textOf(key) === String(result.lastInsertId) ? result : { ...result, lastInsertId: undefined };
  }

  #finish(error: unknown): void {
    if (this.#phase === "broken") return;
    this.#phase = "broken";
    this.#stopKeeping();
    for (const entry of this.#inFlight.splice(0)) entry.reject(error);
    this.hangUp(error instanceof Error ? error : undefined);
  }

  /** The answer to what ends a transaction: where one is open after it, it is the next. */
  async #followed(answer: Promise<Result>): Promise<Result> {
    const result = await answer;
    if (this.state === "in transaction") this.#chained++;
    return result;
  }

  #forget(entry: InFlight): void {
    const index = this.#inFlight.indexOf(entry);
    if (index >= 0) this.#inFlight.splice(index, 1);
    // mariadb would hang up on what is still in flight.
    if (this.#phase === "closing" && this.#inFlight.length === 0) this.quit();
  }

  async #trueStatus(): Promise<void> {
    if (this.#phase !== "open") return;
    await new Promise<void>((resolve) => {
      this.askStatus((error) => {
        if (error) this.lose(error);
        resolve();
      });
    });
  }

  /** The server sends what it has begun: little is read to its end, the rest is killed. */
  async #drained(source: RowSource, ended: Promise<void>): Promise<void> {
    source.discard();
    if (await within(DRAIN_MILLIS, ended)) return;
    await this.#kill();
    if (!(await within(KILLED_MILLIS, ended))) this.destroy();
  }

  /** A KILL that comes ahead of the statement, or between two of its commands, stops nothing: it is sent again. */
  async #stop(statement: Statement): Promise<void> {
    const atWork = () => {
      const part = this.#inFlight[0]?.statement;
      return part === statement || part?.whole === statement;
    };
    for (let pause = 5; atWork(); pause *= 2) {
      await this.#kill();
      if (atWork()) await sleep(pause, undefined, { ref: false });
    }
  }

  /** A KILL QUERY of which nobody knows whether it will still come must find nobody. */
  async #kill(): Promise<void> {
    try {
      await this.#setup.aside(`KILL QUERY ${this.id}`);
    } catch {
      this.destroy();
    }
  }
}

/** Steps that wait for one another where a session takes one command at a time. */
function* stepsInTurn(
  steps: Iterable<Step>,
  inTurn: (send: () => Promise<number>) => Promise<number>,
): Generator<Step> {
  for (const step of steps) yield { ...step, run: () => inTurn(() => step.run()) };
}
