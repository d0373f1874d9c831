/**
 * A session's life: what was sent and has not settled, what an error means for it, how it ends. What is run on it is in
 * `connection.ts`.
 */
import type { Socket } from "node:net";
import { type AdbapiError, ConnectionLost, ProgrammingError } from "../../src/errors/classes.js";
import { endedBefore } from "../common/lost.js";
import { spoiled, unreadable } from "../common/unreadable.js";
import type { SessionState, Statement } from "../driver.js";
import { ofCharset } from "./arguments/charset.js";
import type { ConnectionSetup } from "./connection-setup.js";
import { endsSession, isReadOnlyServer } from "./errors/conditions.js";
import { type Product, productOf, sentBy } from "./errors/sender.js";
import type { ServerError } from "./errors/server-error.js";
import { hungUp } from "./errors/translate.js";
import { InFlight, type Part, type Sent } from "./in-flight.js";
import { excess } from "./packet-limit.js";
import { addHolder, type StatementHolder, withRoom } from "./statement-room.js";
import { ordinary } from "./text.js";
import { TransactionState } from "./transaction-state.js";

/** `reason` is what ended it, where this side did not. A closing session is broken at the latest with its socket. */
type Life = { readonly phase: "open" | "closing" } | { readonly phase: "broken"; readonly reason?: unknown };

export abstract class Session implements StatementHolder {
  abstract readonly id: number;
  readonly pipeline: number | undefined;
  protected readonly socket: Socket;
  protected readonly setup: ConnectionSetup;
  protected readonly transaction = new TransactionState();
  protected readonly inFlight = new InFlight();
  /** Whose names the package has for numbers of errors. */
  protected abstract readonly names: Product;
  readonly #product: Product;
  #life: Life = { phase: "open" };
  #unfit = false;
  /** From then on none of its statements are asked for. */
  readonly #removeHolder: () => void;

  constructor(socket: Socket, setup: ConnectionSetup) {
    this.socket = socket;
    this.setup = setup;
    this.pipeline = setup.pipeline;
    this.#product = productOf(setup.facts.version);
    this.#removeHolder = addHolder(setup.facts.server, this);
    const lose = () => this.lose(hungUp());
    // From the end on nothing can be written, though the close comes later: what is asked in between is "not sent".
    socket.once("end", lose).once("close", lose);
    setup.faults.heard = (error) => this.#broken(error);
  }

  get received(): number {
    return this.socket.bytesRead;
  }

  get state(): SessionState {
    return this.isOpen ? this.transaction.state : "broken";
  }

  get chained(): number {
    return this.transaction.chained;
  }

  /** Its server takes no writes any more. */
  get unfit(): boolean {
    return this.#unfit;
  }

  get atRest(): boolean {
    return this.isOpen && this.inFlight.isEmpty;
  }

  abstract giveRoom(): boolean;

  close(): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    this.#life = { phase: "closing" };
    this.#removeHolder();
    return new Promise((resolve) => {
      this.socket.once("close", () => resolve());
      if (this.inFlight.isEmpty) this.quit();
    });
  }

  destroy(): void {
    this.#finish({ phase: "broken" }, new ConnectionLost("the connection was destroyed"));
  }

  /** COM_QUIT, with nothing in flight. */
  protected abstract quit(): void;
  /** The package's error as one of the tree's. */
  protected abstract translate(error: unknown): AdbapiError;
  /** Has the server say its status, in `transaction`. */
  protected abstract askStatus(done: (error: unknown) => void): void;

  /** Ends the socket at once, and with it what the package still waits for. */
  protected hangUp(error: Error | undefined): void {
    this.socket.destroy(error);
  }

  protected get isOpen(): boolean {
    return this.#life.phase === "open";
  }

  /** Whether several statements may be under way at a time. */
  protected get goesAhead(): boolean {
    return this.pipeline !== 1 && this.setup.most > 1;
  }

  protected get maxAllowedPacket(): number {
    return this.setup.facts.maxAllowedPacket;
  }

  /** Why nothing more can be sent. */
  protected gone(): ConnectionLost | undefined {
    if (this.#life.phase === "open") return undefined;
    const reason = this.#life.phase === "broken" ? this.#life.reason : undefined;
    return endedBefore(reason === undefined ? undefined : this.translate(reason));
  }

  /** Why the statement is not sent. */
  protected refusal(statement: Statement): Error | undefined {
    return this.gone() ?? excess(statement, this.maxAllowedPacket);
  }

  protected mismatch(expected: number, given: number): ProgrammingError | undefined {
    if (expected === given) return undefined;
    return new ProgrammingError(`the statement has ${expected} placeholders, and ${given} params were given`);
  }

  /** Where this session's own statements have made room, and it was not enough: `ask` says whether there is now. */
  protected room(ask: () => Promise<boolean>): Promise<void> {
    return withRoom(this.setup.facts.server, this, async () => this.gone() !== undefined || ask());
  }

  protected settle(sent: Sent, settle: () => void): void {
    this.forget(sent);
    settle();
  }

  protected settleWithStatus(sent: Sent, settle: () => void): void {
    this.askStatus((error) => {
      if (error) this.lose(error);
      this.settle(sent, settle);
    });
  }

  protected async trueStatus(): Promise<void> {
    if (!this.isOpen) return;
    const error = await new Promise<unknown>((resolve) => this.askStatus(resolve));
    if (error) this.lose(error);
  }

  protected forget(sent: Sent): void {
    this.inFlight.remove(sent);
    // mariadb would hang up on what is still in flight.
    if (this.#life.phase === "closing" && this.inFlight.isEmpty) this.quit();
  }

  /** An error has no status with it: unless nothing can have happened to a transaction, the server is asked. */
  protected failed(sent: Sent, error: ServerError): void {
    this.told(error);
    // What is sent ahead may be refused because the library asked for that.
    if (!sent.statement.ahead && isReadOnlyServer(error, this.transaction.readOnly)) this.#unfit = true;
    if (endsSession(error)) {
      this.settle(sent, () => sent.reject(error));
      this.lose(error);
    } else if (this.state === "idle" && ordinary(sent.statement.sql)) {
      this.settle(sent, () => sent.reject(error));
    } else {
      this.settleWithStatus(sent, () => sent.reject(error));
    }
  }

  /** What a package is asked for beside statements: it may never answer on a session that has ended. */
  protected held<T>(part: Part, ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const sent = this.inFlight.add(part, reject);
      ask().then(
        (answer) => this.settle(sent, () => resolve(answer)),
        (error: unknown) => this.settle(sent, () => reject(error)),
      );
    });
  }

  /** A package that throws while it sends has its line in disorder: the next answer may be another statement's. */
  protected sending(sent: Sent, send: () => void): void {
    try {
      send();
    } catch (error) {
      this.settle(sent, () => sent.reject(ofCharset(error)));
      this.#unsent(error);
    }
  }

  /** The same, of a stream: fires with what `send` gives. */
  protected opening<T>(send: () => T): Promise<T> {
    return new Promise((resolve) => resolve(send())).catch((error: unknown) => {
      this.#unsent(error);
      throw ofCharset(error);
    }) as Promise<T>;
  }

  /** The same, of a text whose answer is dropped. */
  protected telling(send: () => void): void {
    if (this.gone() !== undefined) return;
    try {
      send();
    } catch (error) {
      this.#unsent(error);
    }
  }

  /** A failure means what its number means on this session's server. */
  protected told<E>(error: E): E {
    return sentBy(error, this.#product, this.names);
  }

  /** The session died. The pool is told once, and only when this side did not end it. */
  protected lose(error: unknown): void {
    const byItself = this.isOpen;
    this.told(error);
    this.#finish(byItself ? { phase: "broken", reason: error } : { phase: "broken" }, error);
    if (byItself) this.setup.onLost(error);
  }

  #unsent(error: unknown): void {
    const message = "the connection was given up: a statement could not be sent";
    this.lose(new ConnectionLost(message, { cause: ofCharset(error) }));
  }

  /** The package cannot go on in the midst of this session: the statement at work fails with the reason. */
  #broken(error: unknown): void {
    const { head } = this.inFlight;
    const reason = unreadable(ofCharset(error));
    if (head !== undefined) this.settle(head, () => head.reject(reason));
    this.lose(spoiled(reason));
  }

  #finish(broken: Life, error: unknown): void {
    if (this.#life.phase === "broken") return;
    this.#life = broken;
    this.#removeHolder();
    this.inFlight.rejectAll(error);
    this.hangUp(error instanceof Error ? error : undefined);
  }
}
