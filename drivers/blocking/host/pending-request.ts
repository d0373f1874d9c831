/** One request, from the call to its answer. */
import type { Statement } from "../../driver.js";
import type { Request } from "../protocol.js";
import type { Received } from "./inbox.js";

let newestResolve: (received: Received) => void;
let newestReject: (error: unknown) => void;

/** One executor for all: a closure for each promise would cost more than the promise. */
function executor(resolve: (received: Received) => void, reject: (error: unknown) => void): void {
  newestResolve = resolve;
  newestReject = reject;
}

export class PendingRequest {
  readonly request: Request;
  readonly statement: Statement | undefined;
  readonly done = new Promise<Received>(executor);
  readonly resolve = newestResolve;
  readonly reject = newestReject;
  /** Runs from its cancel on; when it is over, the thread is given up. */
  grace: NodeJS.Timeout | undefined;
  /** Cancelled in the thread's own queue: the thread will skip it, and its caller has been told. */
  skipped = false;

  constructor(request: Request, statement: Statement | undefined) {
    this.request = request;
    this.statement = statement;
  }

  /** Its cell among those that both threads share; means nothing until it is sent. */
  get slot(): number {
    return this.request[1];
  }
}
