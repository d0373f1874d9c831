import type { Driver, Statement } from "../../drivers/driver.js";
import { type Deferred, Failure } from "../defer/index.js";
import type { StatementTrace } from "../diagnostics/channels.js";
import { overError } from "../errors/session-ended.js";
import type { StatementOptions } from "../options/call-options.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { RowStream } from "../stream/row-stream.js";
import type { StreamPlace } from "../stream/stream-cursor.js";
import type { ImplicitTransaction } from "./implicit-transaction.js";
import type { Sequence } from "./sequence.js";

/** What the streams of a session need of it. */
interface StreamingSession {
  readonly connection: PooledConnection;
  readonly driver: Driver;
  readonly transaction: ImplicitTransaction;
  /** Hears of an error that a caller was given. */
  told(error: object): void;
  /** Runs `act` when it is its turn in the sequence. */
  task(sequence: Sequence, act: () => Promise<void>): Deferred<void>;
}

/** The streams of one session. Each is a turn that lasts until its reader is done, so that at most one is open. */
export class SessionStreams {
  readonly #session: StreamingSession;
  #open: RowStream<unknown> | undefined;
  /** The one whose turn it is, also while it is being opened. */
  #current: RowStream<unknown> | undefined;

  constructor(session: StreamingSession) {
    this.#session = session;
  }

  /** What is asked while one ends just waits for that. */
  get busy(): boolean {
    return this.#open?.left === false;
  }

  /** Whether one could not be ended by its deadline, and has not ended yet. */
  get late(): boolean {
    return this.#current?.late === true;
  }

  make(
    sequence: Sequence,
    statement: Statement,
    options: StatementOptions,
    trace: StatementTrace | undefined,
  ): RowStream<unknown> {
    const session = this.#session;
    const opener = {
      driver: session.driver,
      trace,
      failure: (reason: unknown) => session.transaction.failure(reason, statement),
      told: (error: object) => session.told(error),
      open: (signal: AbortSignal) => this.#turn(sequence, stream, signal),
    };
    const stream: RowStream<unknown> = new RowStream(opener, statement, options);
    return stream;
  }

  /** A reader that goes on with the open one gets the error, which is made only then. */
  fail(error: () => Error): void {
    this.#open?.fail(error());
  }

  /** Fires when it is the stream's turn, which ends when the stream says so. */
  #turn(sequence: Sequence, stream: RowStream<unknown>, signal: AbortSignal): Promise<StreamPlace> {
    const { connection, transaction } = this.#session;
    return new Promise((resolve, reject) => {
      const leave = () => reject(signal.reason);
      signal.addEventListener("abort", leave, { once: true });
      const turn = this.#session.task(sequence, async () => {
        signal.throwIfAborted();
        signal.removeEventListener("abort", leave);
        // Given up while it has its turn, even during BEGIN, it is to end soon.
        signal.addEventListener("abort", () => connection.cancellations.limit(), { once: true });
        this.#current = stream;
        if (sequence.state === "open") await transaction.begin();
        // Its interaction may have ended during BEGIN: nothing would end the stream.
        const end = transaction.halted ?? (sequence.state === "open" ? undefined : overError());
        if (end !== undefined) throw end;
        this.#open = stream;
        await new Promise<void>((done) => resolve({ connection, done }));
        this.#open = undefined;
        transaction.look();
      });
      turn.addBoth((result) => {
        this.#current = undefined;
        if (result instanceof Failure) reject(result.value);
      });
    });
  }
}
