/** The thread of one connection: loads the module, opens the connection, and works off what is sent. */
import { parentPort, workerData } from "node:worker_threads";
import { Cells } from "./cells.js";
import { toWire } from "./errors.js";
import type { BlockingModule } from "./module.js";
import { Outbox } from "./outbox.js";
import type { Goodbye, Greeting, Request, Setup } from "./protocol.js";
import { Session } from "./session.js";

const port = parentPort!;
const setup = workerData as Setup;
const cells = new Cells(setup.cells);

/** Long after the port is closed: for modules that leave a timer or a handle behind. */
const LINGER_MILLIS = 1_000;

let module: BlockingModule | undefined;
try {
  module = (await import(setup.module)) as BlockingModule;
  serve(new Session(module, setup), new Outbox(port, cells, module.classify));
  greet({ ready: true });
} catch (error) {
  greet({ failed: toWire(error, module?.classify) });
  port.close();
}

function greet(greeting: Greeting): void {
  port.postMessage(greeting);
}

function serve(session: Session, outbox: Outbox): void {
  port.on("message", (message: readonly Request[] | Goodbye) => {
    if (message !== "close") session.run(message, outbox);
    if (message !== "close" && !cells.retired) return;
    port.close();
    setTimeout(() => process.exit(), LINGER_MILLIS).unref();
    session.close();
  });
}
