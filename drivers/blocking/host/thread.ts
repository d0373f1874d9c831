/** The worker threads of one driver: starts them, and lets those go that cannot be interrupted. */
import { type ResourceLimits, Worker } from "node:worker_threads";
import { ConnectionLost, OperationalError } from "../../../src/errors/classes.js";
import type { ConnectOptions } from "../../driver.js";
import { Cells } from "../cells.js";
import { fromWire, translate } from "../errors.js";
import type { Answer, Goodbye, Greeting, Requests, Setup } from "../protocol.js";
import { Lookout } from "../spin-wait.js";

/** A program from the command line hands its --input-type on to its threads, where Node refuses it. */
const evaluated = process.execArgv.some((option) => option.startsWith("--input-type"));

/** Threads that may be stuck inside a statement before no new ones are started. */
const RETIRED_LIMIT = 16;

export interface ThreadOptions {
  /** The module's URL. */
  readonly module: string;
  readonly workerUrl: URL;
  readonly resourceLimits: ResourceLimits | undefined;
}

export class Threads {
  readonly #options: ThreadOptions;
  readonly #lookout = Lookout.share();
  #retired = 0;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** Threads that nobody waits for any more, and that have not ended yet. */
  get retired(): number {
    return this.#retired;
  }

  /** Fires when the module has opened its connection. */
  start(args: readonly unknown[], { settings, signal }: ConnectOptions): Promise<Thread> {
    if (this.#retired >= RETIRED_LIMIT) {
      return Promise.reject(
        new OperationalError(
          `${this.#retired} threads are still inside statements that were given up: no further one is started before some have ended`,
          { retryable: true },
        ),
      );
    }
    const cells = Cells.create(Math.max(settings.pipeline, 64));
    const setup: Setup = {
      module: this.#options.module,
      args,
      int64: settings.int64,
      maxResultBytes: settings.maxResultBytes,
      cells: cells.words,
      lookout: this.#lookout,
    };
    let worker: Worker;
    try {
      worker = new Worker(this.#options.workerUrl, {
        name: settings.name,
        workerData: setup,
        ...(evaluated && { execArgv: [] }),
        ...(this.#options.resourceLimits && { resourceLimits: this.#options.resourceLimits }),
      });
    } catch (error) {
      return Promise.reject(failedToStart(error));
    }
    return this.#greeted(new Thread(worker, cells, this.#count), signal);
  }

  readonly #count = (change: 1 | -1): void => {
    this.#retired += change;
  };

  #greeted(thread: Thread, signal: AbortSignal): Promise<Thread> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        thread.retire(true);
        reject(
          new OperationalError("the connection was given up before its thread was ready", {
            cause: signal.reason,
          }),
        );
      };
      if (signal.aborted) return giveUp();
      signal.addEventListener("abort", giveUp, { once: true });
      thread.onGreeting = (greeting) => {
        signal.removeEventListener("abort", giveUp);
        if ("ready" in greeting) resolve(thread);
        else reject(fromWire(greeting.failed));
      };
      thread.onEnd = (error) => {
        signal.removeEventListener("abort", giveUp);
        reject(failedToStart(error));
      };
    });
  }
}

export class Thread {
  readonly cells: Cells;
  /** Fires when the thread has ended. */
  readonly ended: Promise<void>;
  onGreeting: ((greeting: Greeting) => void) | undefined;
  onAnswers: ((answers: readonly Answer[]) => void) | undefined;
  /** Called once, with what killed it, if anything did. */
  onEnd: ((error: unknown) => void) | undefined;
  readonly #worker: Worker;
  readonly #count: (change: 1 | -1) => void;
  #state: "running" | "ending" | "retired" | "ended" = "running";

  constructor(worker: Worker, cells: Cells, count: (change: 1 | -1) => void) {
    this.#worker = worker;
    this.cells = cells;
    this.#count = count;
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
        if (this.#state === "retired") this.#count(-1);
        this.#state = "ended";
        this.onEnd?.(failure);
        resolve();
      });
    });
    // The pool keeps the process alive while it waits for something; a thread never does. Listeners would undo this.
    worker.unref();
  }

  get id(): number {
    return this.#worker.threadId;
  }

  post(message: Requests | Goodbye): void {
    this.#worker.postMessage(message);
  }

  /**
   * `busy`: it may be inside a call that lasts, and counts until it has ended. Never `terminate()`: inside a native
   * call it can abort the process (better-sqlite3 #842). It ends when the call returns.
   */
  retire(busy: boolean): void {
    if (this.#state !== "running") return;
    this.#state = busy ? "retired" : "ending";
    if (busy) this.#count(1);
    this.cells.retire();
    this.post("close");
  }
}

function failedToStart(error: unknown): OperationalError {
  const reason = error === undefined ? "it ended at once" : translate(error).message;
  return new OperationalError(`the thread of the connection did not start: ${reason}`, { cause: error });
}

/** The error of whatever was in flight when the thread ended. */
export function threadEnded(error: unknown): ConnectionLost {
  if (error === undefined) return new ConnectionLost("the thread of the connection ended");
  const { message, code } = translate(error);
  return new ConnectionLost(`the thread of the connection ended: ${message}`, { code, cause: error });
}
