/** Keeps a thread awake for a moment after its answer, where the next request is likely to come at once. */
import { availableParallelism } from "node:os";
import { type MessagePort, receiveMessageOnPort, threadId } from "node:worker_threads";
import { setImmediate } from "../../src/timeouts/turn.js";

/** How long it looks out: about what one who awaits each answer takes until he has asked again. */
const MOMENT_MILLIS = 0.05;

/** A request that took longer than this to come after the last answer was not prompt. */
const PROMPT_MILLIS = 0.15;

/** So many prompt ones in a row, and nobody else asked: it is one caller, or as good as one. */
const PROMPT_ONES = 8;

/** Then the thread's event loop must have had its turn, for whatever else the module may do there. */
const TURN_MILLIS = 5;

/**
 * To be put to sleep and woken costs both threads more than many a query takes. One who awaits each answer before he
 * asks again finds the thread awake, and is answered in half the time. It looks out only while no other thread of its
 * driver is asked anything: with several at work the cores are better used by those.
 */
export class Lookout {
  readonly #port: MessagePort;
  /** Which thread was asked last. */
  readonly #asked: Int32Array;
  #answeredAt = 0;
  #inARow = 0;
  /** How long it may look out before the event loop has had its turn. */
  #until: number | undefined;

  constructor(port: MessagePort, asked: Int32Array) {
    this.#port = port;
    this.#asked = asked;
  }

  /** What the threads of one driver share. */
  static share(): Int32Array {
    return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  }

  /**
   * Hands on a message, and those that come while it looks out; `handle` says whether it was what one caller asks at a
   * time.
   */
  receive<Message>(first: Message, handle: (message: Message) => boolean): void {
    const begun = performance.now();
    const again = Atomics.exchange(this.#asked, 0, threadId) === threadId;
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
      if (Atomics.load(this.#asked, 0) !== threadId) return undefined;
      const received = receiveMessageOnPort(this.#port);
      if (received !== undefined) return received.message;
    } while (performance.now() < until);
    // In vain: it has to be earned again.
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
