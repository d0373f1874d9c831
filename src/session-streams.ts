import type { Statement } from "../drivers/driver.js";
import type { StatementOptions } from "./call-options.js";
import type { StatementTrace } from "./diagnostics.js";
import type { Sequence } from "./sequence.js";
import type { Session } from "./session.js";
import { overError } from "./session-errors.js";
import { RowStream, type StreamPlace } from "./stream.js";

/** The streams of one session. Each is a turn that lasts until its reader is done, so that at most one is open. */
export class SessionStreams {
  readonly #session: Session;
  #open: RowStream<unknown> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** What is asked while one ends just waits for that. */
  get busy(): boolean {
    return this.#open?.left === false;
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
      open: () => this.#turn(sequence, stream),
    };
    const stream: RowStream<unknown> = new RowStream(opener, statement, options);
    return stream;
  }

  /** Whoever reads on from the open one gets the error, which is made only for them. */
  fail(error: () => Error): void {
    this.#open?.fail(error());
  }

  /** Fires when it is the stream's turn, which ends when the stream says so. */
  #turn(sequence: Sequence, stream: RowStream<unknown>): Promise<StreamPlace> {
    const { lease, transaction } = this.#session;
    return new Promise((resolve, reject) => {
      const turn = this.#session.step(sequence, async () => {
        if (sequence.state === "open") await transaction.begin();
        // Its interaction may have ended during BEGIN: nobody is left to end the stream.
        const end = transaction.halted ?? (sequence.state === "open" ? undefined : overError());
        if (end !== undefined) throw end;
        this.#open = stream;
        await new Promise<void>((done) => resolve({ lease, done }));
        this.#open = undefined;
        transaction.look();
      });
      turn.addErrback((failure) => reject(failure.value));
    });
  }
}
