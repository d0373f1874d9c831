/** The requests of one connection in their order: those that are still to be sent, and those in its thread. */
import type { Statement } from "../../driver.js";
import { packRequests } from "../requests.js";
import type { PendingRequest } from "./pending-request.js";
import type { Thread } from "./thread.js";

export class RequestQueue {
  readonly #thread: Thread;
  /** They leave at the end of this tick, as one message, as far as there is room. */
  readonly #unsent: PendingRequest[] = [];
  /** In the thread, in the order of their answers. */
  readonly #sent: PendingRequest[] = [];
  #skipped = 0;
  #flushing = false;
  /** Of the request that was sent last. */
  #slot = 0;

  constructor(thread: Thread) {
    this.#thread = thread;
  }

  get length(): number {
    return this.#sent.length + this.#unsent.length;
  }

  /** How many can still do something to the session: what will be skipped does nothing to it. */
  get effective(): number {
    return this.length - this.#skipped;
  }

  /** Whether the thread has anything to do. */
  get threadBusy(): boolean {
    return this.#sent.length > 0;
  }

  /** The one whose answer comes next. */
  get first(): PendingRequest | undefined {
    return this.#sent[0];
  }

  push(pending: PendingRequest): void {
    this.#unsent.push(pending);
    this.#flushSoon();
  }

  /** The first has been answered, and is taken out. */
  answered(): PendingRequest | undefined {
    const pending = this.#sent.shift();
    if (pending?.skipped) this.#skipped--;
    if (this.#unsent.length > 0) this.#flushSoon();
    return pending;
  }

  /** Takes out the statement's request, if it has not been sent. */
  withdraw(statement: Statement): PendingRequest | undefined {
    const at = this.#unsent.findIndex((pending) => pending.statement === statement);
    return at < 0 ? undefined : this.#unsent.splice(at, 1)[0];
  }

  /** The statement's request in the thread. */
  sentOf(statement: Statement): PendingRequest | undefined {
    return this.#sent.find((pending) => pending.statement === statement);
  }

  isSent(pending: PendingRequest): boolean {
    return this.#sent.includes(pending);
  }

  /** It was cancelled in the thread's own queue, and keeps its place there. */
  skip(pending: PendingRequest): void {
    if (!pending.skipped) this.#skipped++;
    pending.skipped = true;
  }

  /** Fires when all of them have settled. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#sent, ...this.#unsent].map(({ done }) => done));
  }

  /** Empties it: none of them will be answered any more. */
  drop(): { readonly sent: readonly PendingRequest[]; readonly unsent: readonly PendingRequest[] } {
    return { sent: this.#sent.splice(0), unsent: this.#unsent.splice(0) };
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    const { slots } = this.#thread.cells;
    const leaving = this.#unsent.splice(0, slots - this.#sent.length);
    if (leaving.length === 0) return;
    const slot = this.#slot;
    try {
      for (const pending of leaving) this.#assignSlot(pending);
      const requests = leaving.map(({ request }) => request);
      this.#thread.post(packRequests(requests, slots));
      this.#sent.push(...leaving);
    } catch {
      this.#slot = slot;
      this.#postEach(leaving);
    }
  };

  /**
   * Something in the message cannot be cloned: only that request fails. No slot may be lost, or two would share one.
   */
  #postEach(leaving: readonly PendingRequest[]): void {
    for (const pending of leaving) {
      const slot = this.#slot;
      try {
        this.#assignSlot(pending);
        this.#thread.post([pending.request]);
        this.#sent.push(pending);
      } catch (error) {
        this.#slot = slot;
        pending.reject(error);
      }
    }
  }

  #assignSlot({ request }: PendingRequest): void {
    const { cells } = this.#thread;
    this.#slot = (this.#slot + 1) % cells.slots;
    cells.queue(this.#slot);
    request[1] = this.#slot;
  }
}
