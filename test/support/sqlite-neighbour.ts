/**
 * Another process that has the tests' SQLite files open too, and writes to them all the time. One for each process that
 * runs tests.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { own } from "./children.js";
import { within } from "./within.js";

const PROGRAM = fileURLToPath(new URL("./modules/neighbour.mjs", import.meta.url));

/** Makes the file, with a rollback journal and a table `neighbour`. */
export const comeTo = (path: string) => tell({ open: path });

/** Fires once nothing of the file is open there. */
export const goFrom = (path: string) => tell({ close: path });

let neighbour: ChildProcess | undefined;
/** Answers come in the order of the questions. */
const asked: Question[] = [];

interface Question {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

function tell(order: object): Promise<void> {
  neighbour ??= start();
  const { channel } = neighbour;
  channel?.ref();
  const answer = new Promise<void>((resolve, reject) => {
    asked.push({ resolve, reject });
    neighbour!.send(order, (error) => error === null || reject(error));
  }).finally(() => {
    if (asked.length === 0) channel?.unref();
  });
  return within(() => `an answer of the SQLite files' neighbour to ${JSON.stringify(order)}`, answer);
}

function start(): ChildProcess {
  const child = own(fork(PROGRAM, { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] }));
  child.on("message", () => asked.shift()?.resolve());
  child.once("exit", () => {
    const error = new Error("the neighbour of the SQLite files has ended");
    neighbour = undefined;
    for (const { reject } of asked.splice(0)) reject(error);
  });
  child.unref();
  return child;
}
