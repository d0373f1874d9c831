/// <reference types="node" preserve="true" />
/** Makes a driver of a module of synchronous calls, which it runs in worker threads. */
import type { ResourceLimits } from "node:worker_threads";
import { InterfaceError } from "../../src/errors/classes.js";
import type { ConnectOptions, Driver, DriverConnection, Params, Paramstyle } from "../driver.js";
import { beside } from "./beside.js";
import { type Classify, StatementCancelled, translate } from "./errors.js";
import { ThreadConnection } from "./host/connection.js";
import { Threads } from "./host/threads.js";

export type { Classify } from "./errors.js";
export type { BlockingConnection, BlockingCursor, BlockingModule, BlockingResult } from "./module.js";

type Optional = Pick<
  Driver,
  | "dialect"
  | "checkArgs"
  | "identify"
  | "fromUrl"
  | "bind"
  | "maxConnections"
  | "ownDatabase"
  | "stackable"
  | "severalStatements"
  | "repeatable"
  | "seemsReadOnly"
  | "outsideTransaction"
  | "singleWriter"
>;

/** Facts of the database behind a blocking driver; all are optional. */
export interface BlockingDriverOptions extends Optional {
  /** @default the module's file name, without its ending */
  readonly name?: string;
  /** @default "qmark" */
  readonly paramstyle?: Paramstyle;
  /** @default 64 */
  readonly pipeline?: number;
  /** Limits of each thread's memory. A thread that exceeds them ends, which is a `ConnectionLost`. */
  readonly resourceLimits?: ResourceLimits;
  /**
   * Where the code of the threads is, when a bundler moved it away: a bundle of its own, whose entry is this package's
   * `dist/drivers/blocking/worker.js`.
   * @default worker.js beside this file
   */
  readonly workerUrl?: URL;
  /**
   * Called on the pool's own thread before another is started: gives what the module's `connect` gets in place of
   * `args`, if anything. What it throws is why there is no connection.
   */
  readonly prepare?: (args: readonly unknown[]) => readonly unknown[] | undefined | void;
  /** Called when another connection is open; `ended` fires when its thread has ended. */
  readonly opened?: (args: readonly unknown[], ended: Promise<void>) => Promise<void>;
  /** As the module's `classify`, for errors that did not come out of a thread. */
  readonly classify?: Classify;
}

/** Where a bundler has moved a built-in driver's files, and the bounds of its threads. */
export interface BundledOptions extends Pick<BlockingDriverOptions, "workerUrl" | "resourceLimits"> {
  /** Where the driver's own module.js is. @default beside its index.js */
  readonly moduleUrl?: URL;
}

/** A driver whose connections live in threads. */
export interface BlockingDriver extends Driver {
  /**
   * Threads that were given up, inside a statement or while they opened the database, and have not ended yet.
   * @internal
   */
  readonly retiredThreads: number;
}

/** `module` is the URL of a file whose exports fit `BlockingModule`. */
export function blockingDriver(module: URL | string, options: BlockingDriverOptions = {}): BlockingDriver {
  const url = moduleUrl(module);
  const {
    name = nameOf(url),
    paramstyle = "qmark",
    pipeline = 64,
    bind = cloned,
    classify,
    prepare,
    opened,
    resourceLimits,
    workerUrl = beside("./worker.js", import.meta.url),
    ...facts
  } = options;
  const threads = new Threads({ module: url.href, workerUrl, resourceLimits });
  return {
    ...facts,
    name,
    paramstyle,
    pipeline,
    bind,
    async connect(args: readonly unknown[], connectOptions: ConnectOptions): Promise<DriverConnection> {
      const thread = await threads.start(prepare?.(args) ?? args, connectOptions);
      const connection = new ThreadConnection(thread, connectOptions);
      await opened?.(args, thread.ended);
      return connection;
    },
    translate: (error) => translate(error, classify),
    cancelled: (error) => (error instanceof StatementCancelled ? "not applied" : undefined),
    get retiredThreads() {
      return threads.retired;
    },
  };
}

function moduleUrl(module: URL | string): URL {
  const url = module instanceof URL ? module : URL.canParse(module) ? new URL(module) : undefined;
  if (url?.protocol === "file:") return url;
  // A `data:` URL is the code itself: its length, and what is in it, are nothing for a message.
  const given = url?.protocol === "data:" ? "a data: URL" : JSON.stringify(String(module));
  throw new InterfaceError(
    `a blocking driver is named by a file URL, not by ${given}: use new URL("./module.js", import.meta.url)`,
  );
}

function nameOf(url: URL): string {
  const file = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  return decodeURIComponent(file.replace(/\.[^.]*$/, ""));
}

/** The values as they are now; what cannot reach another thread is refused now. */
function cloned(params: Params): Params {
  try {
    return structuredClone(params);
  } catch (error) {
    throw new InterfaceError("a param cannot be handed to another thread", { cause: error });
  }
}
