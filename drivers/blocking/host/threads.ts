/** The worker threads of one driver: starts them, and counts those that were given up and have not ended. */
import { MessageChannel, type ResourceLimits, Worker } from "node:worker_threads";
import { OperationalError } from "../../../src/errors/classes.js";
import type { ConnectOptions } from "../../driver.js";
import { Cells } from "../cells.js";
import { fromWire } from "../errors.js";
import type { Setup } from "../protocol.js";
import { SpinWait } from "../spin-wait.js";
import { failedToStart, Thread } from "./thread.js";

/** A program from the command line hands its --input-type on to its threads, where Node refuses it. */
const evaluated = process.execArgv.some((option) => option.startsWith("--input-type"));

/** Threads that may have been given up and not have ended before no new ones are started. */
const RETIRED_LIMIT = 16;

export interface ThreadOptions {
  /** The module's URL. */
  readonly module: string;
  readonly workerUrl: URL;
  readonly resourceLimits: ResourceLimits | undefined;
}

export class Threads {
  readonly #options: ThreadOptions;
  /** Made with the first thread: a snapshot of a program that has only imported this cannot hold shared memory. */
  #lastAsked: Int32Array | undefined;
  #retired = 0;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** Threads that were given up, and that have not ended yet. */
  get retired(): number {
    return this.#retired;
  }

  /** Fires when the module has opened its connection. */
  start(args: readonly unknown[], options: ConnectOptions): Promise<Thread> {
    if (this.#retired >= RETIRED_LIMIT) return Promise.reject(tooManyRetired(this.#retired));
    const { settings, signal } = options;
    const cells = Cells.create(Math.max(settings.pipeline, 64));
    const { port1, port2 } = new MessageChannel();
    this.#lastAsked ??= SpinWait.share();
    const setup: Setup = {
      port: port2,
      module: this.#options.module,
      args,
      int64: settings.int64,
      maxResultBytes: settings.maxResultBytes,
      cells: cells.words,
      lastAsked: this.#lastAsked,
    };
    let worker: Worker;
    try {
      worker = new Worker(this.#options.workerUrl, {
        name: settings.name,
        workerData: setup,
        transferList: [port2],
        ...(evaluated && { execArgv: [] }),
        ...(this.#options.resourceLimits && { resourceLimits: this.#options.resourceLimits }),
      });
    } catch (error) {
      port1.close();
      return Promise.reject(failedToStart(error));
    }
    return greeted(new Thread(worker, port1, cells, this.#count), signal);
  }

  readonly #count = (change: 1 | -1): void => {
    this.#retired += change;
  };
}

/** Fires when the thread says that it is ready. */
function greeted(thread: Thread, signal: AbortSignal): Promise<Thread> {
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

function tooManyRetired(count: number): OperationalError {
  return new OperationalError(
    `${count} threads that were given up, inside a statement or while they opened the database, have not ended yet: no further one is started before some have`,
    { retryable: true },
  );
}
