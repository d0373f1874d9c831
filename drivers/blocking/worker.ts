/** The thread of one connection: loads the module, opens the connection, and works off what is sent. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { InterfaceError } from "../../src/errors/classes.js";
import { Cells } from "./cells.js";
import { toWire } from "./errors.js";
import type { BlockingModule } from "./module.js";
import type { Goodbye, Greeting, Request, Requests, Setup } from "./protocol.js";
import { unpackRequests } from "./requests.js";
import { SpinWait } from "./spin-wait.js";
import { Database } from "./thread/database.js";
import { Outbox } from "./thread/outbox.js";
import { ThreadSession } from "./thread/session.js";

const setup = workerData as Setup;
const { port } = setup;
const cells = new Cells(setup.cells);

/** The thread ends so long after its port is closed, even if the module left a timer or a handle behind. */
const LINGER_MILLIS = 1_000;

let module: BlockingModule | undefined;
try {
  // Its URL is known only here: bundlers are told to leave the call as it is.
  module = (await import(/* webpackIgnore: true */ /* @vite-ignore */ setup.module)) as BlockingModule;
  if (typeof module.connect !== "function")
    throw new InterfaceError(`${setup.module} exports no function "connect"`);
  serve(new Database(module, setup), new Outbox(parentPort!, cells, module.classify));
  greet({ ready: true });
} catch (error) {
  greet({ failed: toWire(error, module?.classify) });
  port.close();
}

function greet(greeting: Greeting): void {
  parentPort!.postMessage(greeting);
}

function serve(database: Database, outbox: Outbox): void {
  const session = new ThreadSession(database, cells, outbox, setup.maxResultBytes);
  const spinWait = new SpinWait(port, setup.lastAsked);
  const handle = (first: Requests | Goodbye) => {
    const { requests, goodbye } = waiting(first);
    session.run(requests);
    if (!goodbye && !cells.retired) return requests.length <= 2;
    port.close();
    setTimeout(() => process.exit(), LINGER_MILLIS).unref();
    database.close();
    return false;
  };
  port.on("message", (first: Requests | Goodbye) => spinWait.receive(first, handle));
}

/** All requests that have come by now are one batch: the more there are, the less each costs. */
function waiting(first: Requests | Goodbye): { readonly requests: Request[]; readonly goodbye: boolean } {
  if (first === "close") return { requests: [], goodbye: true };
  const requests = unpackRequests(first, cells.slots);
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as Requests | Goodbye;
    if (message === "close") return { requests, goodbye: true };
    for (const request of unpackRequests(message, cells.slots)) requests.push(request);
  }
  return { requests, goodbye: false };
}
