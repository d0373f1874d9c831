import { constants } from "node:os";
import { Deferred, type Failure } from "../defer/index.js";
import { InterfaceError } from "../errors/classes.js";
import { lifeOf, nameOf } from "./lifecycle.js";
import type { Startable } from "./service.js";

export interface RunServiceOptions {
  /**
   * The longest that stopping may take, counted from the signal. Past it the process exits with status 1. Default 30
   * 000.
   */
  readonly stopTimeoutMillis?: number;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * npm hands on the Ctrl-C that the terminal has sent to this process too: the same signal once more within this time is
 * an echo.
 */
const ECHO_MILLIS = 300;

/** How long a stopped application's process may go on with what no service owned. */
const LEFTOVER_MILLIS = 1_000;

/** What this process runs now. */
let purpose: Startable | undefined;

/**
 * Runs an application as the purpose of this process: starts it, and stops it on SIGINT, on SIGTERM, or when
 * nothing is left to do. A second signal exits at once, with 128 and the signal's number as usual in shells (the
 * same one within 300 ms is taken for an echo: npm sends Ctrl-C twice).
 *
 * Never fails: fires once the application has stopped, with the status that the process exits with. That is 0
 * after an orderly stop, and 1 when starting or stopping failed (said on stderr) or took too long. After a signal
 * the process ends within a second of that, also if something that no service owned is still open.
 *
 * Throws `InterfaceError` for a time that is none, for an application that runs, and while it runs another.
 */
export function runService(application: Startable, options: RunServiceOptions = {}): Deferred<number> {
  const { stopTimeoutMillis = 30_000 } = options;
  if (!(stopTimeoutMillis > 0 && stopTimeoutMillis < 2 ** 31)) {
    throw new InterfaceError(
      `stopTimeoutMillis must be between 1 and ${2 ** 31 - 1}, not ${stopTimeoutMillis}`,
    );
  }
  const root = lifeOf(application);
  const name = nameOf(application);
  if (purpose !== undefined) {
    const hint = "one process has one application, and a MultiService joins several";
    throw new InterfaceError(`runService runs ${nameOf(purpose)} already: ${hint}`);
  }
  if (root.state !== "stopped") throw new InterfaceError(`${name} is ${root.state} already`);
  purpose = application;
  const ended = new Deferred<number>();
  let status = 0;
  let stopping: Stopping | undefined;

  const report = (doing: string) => (failure: Failure) => {
    status = 1;
    console.error(`${name} failed while ${doing}:`, failure.value);
  };

  const stop = (signal?: NodeJS.Signals) => {
    const deadline = setTimeout(() => {
      console.error(`${name} has not stopped in ${stopTimeoutMillis} ms: exiting`);
      process.exit(1);
    }, stopTimeoutMillis);
    stopping = { signal, at: performance.now(), deadline };
    root.stop().addErrback(report("stopping")).addBoth(end);
  };

  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping !== undefined) {
      if (signal === stopping.signal && performance.now() - stopping.at < ECHO_MILLIS) return;
      process.exit(128 + constants.signals[signal]);
    }
    console.info(`${signal}: stopping ${name}`);
    stop(signal);
  };

  const onBeforeExit = () => stop();

  const end = () => {
    purpose = undefined;
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

interface Stopping {
  readonly signal: NodeJS.Signals | undefined;
  readonly at: number;
  readonly deadline: NodeJS.Timeout;
}

function exitAnyway(): void {
  console.warn(`Exiting although these are still open: ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit();
}
