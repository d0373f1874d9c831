/** Keeps a thread awake for a moment after its answer, where the next request is likely to come at once. */
import { availableParallelism } from "node:os";
import { type MessagePort, receiveMessageOnPort, threadId } from "node:worker_threads";
import { setImmediate } from "../../src/timeouts/turn.js";

/** How long the thread stays awake: about what a caller that awaits each answer needs until it asks again. */
const MOMENT_MILLIS = 0.05;

/** A request that took longer than this to come after the last answer was not prompt. */
const PROMPT_MILLIS = 0.15;

/** After so many prompt ones in a row, with no other thread asked, it is one caller, or as good as one. */
const PROMPT_ONES = 8;

/** After this the thread's event loop must have its turn, for whatever else the module may do there. */
const TURN_MILLIS = 5;

/**
 * To be put to sleep and woken costs both threads more than many a query takes. A caller that awaits each answer before
 * it asks again finds the thread awake, and is answered in half the time. The thread waits so only while no other
 * thread of its driver is asked anything: with several at work the cores are better used by those.
 */
export class SpinWait {
  readonly #port: MessagePort;
  /** Which thread was asked last. */
  readonly #lastAsked: Int32Array;
  #answeredAt = 0;
  #inARow = 0;
  /** Until when the thread may wait before its event loop has had its turn. */
  #until: number | undefined;

  constructor(port: MessagePort, lastAsked: Int32Array) {
    this.#port = port;
    this.#lastAsked = lastAsked;
  }

  /** What the threads of one driver share. */
  static share(): Int32Array {
    return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  }

  /**
   * Hands on a message, and those that come while the thread stays awake; `handle` says whether the message was such as
   * one caller sends at a time.
   */
  receive<Message>(first: Message, handle: (message: Message) => boolean): void {
    const begun = performance.now();
    const again = Atomics.exchange(this.#lastAsked, 0, threadId) === threadId;
    if (!again || begun - this.#answeredAt > PROMPT_MILLIS) this.#inARow = 0;
    for (let message: Message | undefined = first; message !== undefined; message = this.#next()) {
      if (handle(message)) this.#inARow++;
      else this.#inARow = 0;
      this.#answeredAt = performance.now();
    }
  }

  #next<Message>(): Message | undefined {
    if (!SPARE_CORE || this.#inARow < PROMPT_ONES || this.#answeredAt > this.#turnEnds()) return undefined;
    const until = this.#answeredAt + MOMENT_MILLIS;
    do {
      if (Atomics.load(this.#lastAsked, 0) !== threadId) return undefined;
      const received = receiveMessageOnPort(this.#port);
      if (received !== undefined) return received.message;
    } while (performance.now() < until);
    // It waited in vain: so many prompt ones are needed again.
    this.#inARow = 0;
    return undefined;
  }

  #turnEnds(): number {
    if (this.#until === undefined) {
      this.#until = this.#answeredAt + TURN_MILLIS;
      setImmediate(() => {
        this.#until = undefined;
      });
    }
    return this.#until;
  }
}

const SPARE_CORE = availableParallelism() > 1;
