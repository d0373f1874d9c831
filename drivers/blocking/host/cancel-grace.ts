/** The time that a cancelled statement has to stop by itself, before its thread is given up. */
import { setImmediate } from "../../../src/timeouts/turn.js";
import type { Inbox } from "./inbox.js";
import type { PendingRequest } from "./pending-request.js";
import type { RequestQueue } from "./request-queue.js";

const GRACE_MILLIS = 50;

/**
 * The same when other requests are in the thread, whose answers would be lost with it: on a busy machine the thread may
 * run late.
 */
const SHARED_GRACE_MILLIS = 250;

export class CancelGrace {
  readonly #queue: RequestQueue;
  readonly #inbox: Inbox;
  readonly #over: (pending: PendingRequest) => void;

  /** @param over the statement does not react */
  constructor(queue: RequestQueue, inbox: Inbox, over: (pending: PendingRequest) => void) {
    this.#queue = queue;
    this.#inbox = inbox;
    this.#over = over;
  }

  start(pending: PendingRequest): void {
    if (pending.grace === undefined) this.#wait(pending, 0);
  }

  /** In short pieces: when this thread does not run for a while, one piece of that while counts. */
  #wait(pending: PendingRequest, waited: number): void {
    const look = () => this.#look(pending, waited + GRACE_MILLIS);
    // When this thread is late, the answer may lie in the port: the turn in between takes it.
    pending.grace = setTimeout(() => setImmediate(look), GRACE_MILLIS);
  }

  #look(pending: PendingRequest, waited: number): void {
    if (!this.#queue.isSent(pending)) return;
    const shared = this.#queue.length > 1;
    if (this.#inbox.busy || (shared && waited < SHARED_GRACE_MILLIS)) this.#wait(pending, waited);
    else this.#over(pending);
  }
}
