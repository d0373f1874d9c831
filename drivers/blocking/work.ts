/** One request, from its asking to its answer. */
import type { Statement } from "../driver.js";
import type { Received } from "./inbox.js";
import type { Request } from "./protocol.js";

export class Work {
  readonly request: Request;
  readonly statement: Statement | undefined;
  readonly done: Promise<Received>;
  resolve!: (received: Received) => void;
  reject!: (error: unknown) => void;
  /** Among the cells that both threads share; -1 until it is sent. */
  slot = -1;
  /** Runs from its cancel on: when it is over, the thread is given up. */
  grace: NodeJS.Timeout | undefined;
  /** Cancelled in the thread's own queue: it will be passed over, and its caller knows. */
  passedOver = false;

  constructor(request: Request, statement: Statement | undefined) {
    this.request = request;
    this.statement = statement;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** As it is sent, in its slot. */
  placed(slot: number): Request {
    this.slot = slot;
    const [kind, , ...rest] = this.request;
    return [kind, slot, ...rest] as unknown as Request;
  }
}
