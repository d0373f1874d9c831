/** One worker thread: its messages, its end, and how it is let go. */
import type { MessagePort, Worker } from "node:worker_threads";
import { ConnectionLost, OperationalError } from "../../../src/errors/classes.js";
import { moved } from "../../../src/transition.js";
import type { Cells } from "../cells.js";
import { translate } from "../errors.js";
import type { Answer, Goodbye, Greeting, Requests } from "../protocol.js";

/**
 * - `running`: takes requests;
 * - `ending`: told to end, with nothing to do;
 * - `retired`: told to end while it may be inside a call that lasts; counted until it has ended;
 * - `ended`: is no more.
 */
type ThreadState = "running" | "ending" | "retired" | "ended";

const MOVES = {
  running: ["ending", "retired", "ended"],
  ending: ["ended"],
  retired: ["ended"],
  ended: [],
} as const satisfies Record<ThreadState, readonly ThreadState[]>;

export class Thread {
  readonly cells: Cells;
  /** Fires when the thread has ended. */
  readonly ended: Promise<void>;
  onGreeting: ((greeting: Greeting) => void) | undefined;
  onAnswers: ((answers: readonly Answer[]) => void) | undefined;
  /** Called once, with what killed it, if anything did. */
  onEnd: ((error: unknown) => void) | undefined;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #countRetired: (change: 1 | -1) => void;
  #state: ThreadState = "running";

  /** @param port takes what is sent to the thread */
  constructor(worker: Worker, port: MessagePort, cells: Cells, countRetired: (change: 1 | -1) => void) {
    this.#worker = worker;
    this.#port = port;
    this.cells = cells;
    this.#countRetired = countRetired;
    let failure: unknown;
    worker.on("message", (message: Greeting | readonly Answer[]) => {
      if (Array.isArray(message)) this.onAnswers?.(message);
      else this.onGreeting?.(message as Greeting);
    });
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("messageerror", (error) => {
      failure = error;
      this.retire(true);
    });
    this.ended = new Promise((resolve) => {
      worker.on("exit", () => {
        if (this.#state === "retired") this.#countRetired(-1);
        this.#move("ended");
        port.close();
        this.onEnd?.(failure);
        resolve();
      });
    });
    // The pool keeps the process alive while it waits for something; a thread never does. After the listeners, each of
    // which would undo this.
    worker.unref();
  }

  get id(): number {
    return this.#worker.threadId;
  }

  post(message: Requests | Goodbye): void {
    this.#port.postMessage(message);
  }

  /**
   * Tells the thread to end. `busy`: it may be inside a call that lasts, and ends when that returns. Never
   * `terminate()`: inside a native call it can abort the process (better-sqlite3 #842).
   */
  retire(busy: boolean): void {
    if (this.#state !== "running") return;
    this.#move(busy ? "retired" : "ending");
    if (busy) this.#countRetired(1);
    this.cells.retire();
    this.post("close");
  }

  #move(to: ThreadState): void {
    this.#state = moved("a thread", MOVES, this.#state, to);
  }
}

export function failedToStart(error: unknown): OperationalError {
  const reason = error === undefined ? "it ended at once" : translate(error).message;
  return new OperationalError(`the thread of the connection did not start: ${reason}`, { cause: error });
}

/** The error of whatever was in flight when the thread ended. */
export function threadEnded(error: unknown): ConnectionLost {
  if (error === undefined) return new ConnectionLost("the thread of the connection ended");
  const { message, code } = translate(error);
  return new ConnectionLost(`the thread of the connection ended: ${message}`, { code, cause: error });
}
