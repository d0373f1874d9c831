import { constants } from "node:os";
import { Deferred, type Failure } from "../defer/index.js";
import { InterfaceError } from "../errors.js";
import { Lifecycle, nameOf } from "./lifecycle.js";
import type { Startable } from "./service.js";

export interface RunServiceOptions {
  /** The longest that stopping may take, counted from the signal. Past it the process exits with status 1. Default 30 000. */
  readonly stopTimeoutMillis?: number;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** How long a stopped application's process may go on with what no service owned. */
const LEFTOVER_MILLIS = 1_000;

/**
 * Runs an application as the purpose of this process: starts it, and stops it on SIGINT, on SIGTERM, or when
 * nothing is left to do. A second signal exits at once, with 128 and the signal's number as usual in shells.
 *
 * Never fails: fires once the application has stopped, with the status that the process exits with. That is 0
 * after an orderly stop, and 1 when starting or stopping failed (said on stderr) or took too long. After a signal
 * the process ends within a second of that, also if something that no service owned is still open.
 */
export function runService(application: Startable, options: RunServiceOptions = {}): Deferred<number> {
  const { stopTimeoutMillis = 30_000 } = options;
  if (!(stopTimeoutMillis > 0 && stopTimeoutMillis < 2 ** 31)) {
    throw new InterfaceError(
      `stopTimeoutMillis must be between 1 and ${2 ** 31 - 1}, not ${stopTimeoutMillis}`,
    );
  }
  const root = new Lifecycle(application);
  const name = nameOf(application);
  const ended = new Deferred<number>();
  let status = 0;
  let stopping:
    | { readonly signal: NodeJS.Signals | undefined; readonly deadline: NodeJS.Timeout }
    | undefined;

  const report = (doing: string) => (failure: Failure) => {
    status = 1;
    console.error(`${name} failed while ${doing}:`, failure.value);
  };

  const stop = (signal?: NodeJS.Signals) => {
    const deadline = setTimeout(() => {
      console.error(`${name} has not stopped in ${stopTimeoutMillis} ms: exiting`);
      process.exit(1);
    }, stopTimeoutMillis);
    stopping = { signal, deadline };
    root.stop().addErrback(report("stopping")).addBoth(end);
  };

  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping !== undefined) process.exit(128 + constants.signals[signal]);
    console.info(`${signal}: stopping ${name}`);
    stop(signal);
  };

  const onBeforeExit = () => stop();

  const end = () => {
    clearTimeout(stopping?.deadline);
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off("beforeExit", onBeforeExit);
    if (status !== 0) process.exitCode = status;
    if (stopping?.signal !== undefined) setTimeout(exitAnyway, LEFTOVER_MILLIS).unref();
    ended.callback(status);
  };

  for (const signal of SIGNALS) process.on(signal, onSignal);
  // Until then what it waits for may well be nothing that keeps a process alive, as with a pool that connects.
  const alive = setInterval(() => undefined, 2 ** 31 - 1);
  root
    .start()
    .addCallbacks(
      () => void process.on("beforeExit", onBeforeExit),
      (failure) => {
        if (stopping !== undefined) return; // Its start was cut short, as asked.
        report("starting")(failure);
        end();
      },
    )
    .addBoth(() => clearInterval(alive));
  return ended;
}

function exitAnyway(): void {
  console.warn(`Exiting although these are still open: ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit();
}
