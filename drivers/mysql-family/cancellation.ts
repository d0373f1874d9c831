/** Stops statements at the server, by KILL QUERY from another session. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Statement } from "../driver.js";
import type { InFlight } from "./in-flight.js";

/** The first pause before a KILL is sent again; each is twice the one before. */
const PAUSE_MILLIS = 5;

export class Cancellation {
  readonly #inFlight: InFlight;
  readonly #kill: () => Promise<void>;
  /** What was cancelled, as long as its caller holds it. */
  readonly #stopped = new WeakSet<Statement>();

  /** `kill` stops what the server works at, or ends the session. */
  constructor(inFlight: InFlight, kill: () => Promise<void>) {
    this.#inFlight = inFlight;
    this.#kill = kill;
  }

  /** Whether nothing more of it is to be sent: most KILLs come between two of its parts, and stop nothing. */
  hasStopped(whole: Statement | undefined): boolean {
    return whole !== undefined && this.#stopped.has(whole);
  }

  /** A KILL that comes ahead of the statement, or between two of its commands, stops nothing: it is sent again. */
  async stop(statement: Statement): Promise<void> {
    this.#stopped.add(statement);
    for (let pause = PAUSE_MILLIS; this.#isAtWork(statement); pause *= 2) {
      await this.#kill();
      if (this.#isAtWork(statement)) await sleep(pause, undefined, { ref: false });
    }
  }

  #isAtWork(statement: Statement): boolean {
    const part = this.#inFlight.head?.statement;
    return part === statement || part?.whole === statement;
  }
}
