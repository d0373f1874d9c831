import type { Notified } from "../../drivers/driver.js";
import { muteUnhandled } from "../defer/deferred.js";
import { Deferred } from "../defer/index.js";
import { unwatchAbort, watchAbort } from "../timeouts/abort-watch.js";

/** Something may have been missed: the session was lost and is there again, or the reader's queue was full. */
export interface Gap {
  readonly channel: string;
  readonly gap: true;
}

/** What `pool.listen` yields. Of a gap `gap` is true, else it has a payload. */
export type Notification = (Notified & { readonly gap?: undefined }) | Gap;

interface Reader {
  resolve(result: IteratorResult<Notification, undefined>): void;
  reject(error: unknown): void;
}

/** What ends with it. */
export interface SubscriptionOwner {
  leave(subscription: Subscription): void;
}

const OVER = { value: undefined, done: true } as const;

/**
 * One reader of a channel. What comes faster than it is read waits in a queue of `maxQueued`; what comes while that is
 * full is dropped, and a gap stands in its place.
 */
export class Subscription implements AsyncIterableIterator<Notification> {
  readonly channel: string;
  /** Fires when the server has confirmed; what is sent from then on is not missed. Fails as the first `next` does. */
  readonly listening: Deferred<void>;
  readonly #owner: SubscriptionOwner;
  readonly #maxQueued: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#leave();
  #queue: Notification[] = [];
  readonly #readers: Reader[] = [];
  #confirmed = false;
  #over = false;
  #error: unknown;

  /** @internal */
  constructor(
    owner: SubscriptionOwner,
    channel: string,
    { maxQueued, signal }: { readonly maxQueued: number; readonly signal: AbortSignal | undefined },
  ) {
    this.#owner = owner;
    this.channel = channel;
    this.#maxQueued = maxQueued;
    this.#signal = signal;
    this.listening = new Deferred<void>(() => this.#leave());
    muteUnhandled(this.listening);
    if (signal !== undefined) watchAbort(signal, this.#onAbort);
  }

  /** Whether the server has confirmed once. @internal */
  get confirmed(): boolean {
    return this.#confirmed;
  }

  next(): Promise<IteratorResult<Notification, undefined>> {
    const value = this.#queue.shift();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#over) return Promise.resolve(OVER);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  /** Ends it; what has not been read is dropped. */
  async return(): Promise<IteratorResult<Notification, undefined>> {
    this.#leave();
    return OVER;
  }

  async throw(error?: unknown): Promise<IteratorResult<Notification, undefined>> {
    this.#leave();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** `await using` ends it too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
  }

  /** The server has confirmed; not for the first time: something may have been missed in between. @internal */
  confirm(): void {
    if (this.#confirmed) this.push({ channel: this.channel, gap: true });
    this.#confirmed = true;
    if (!this.listening.called) this.listening.callback(undefined);
  }

  /** @internal */
  push(notification: Notification): void {
    if (this.#over) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ value: notification, done: false });
    else if (this.#queue.length < this.#maxQueued) this.#queue.push(notification);
    else if (this.#queue.at(-1)?.gap !== true) this.#queue.push({ channel: this.channel, gap: true });
  }

  /** It could not begin. @internal */
  fail(error: unknown): void {
    if (this.#over) return;
    const [reader] = this.#readers.splice(0, 1);
    if (reader === undefined) this.#error = error;
    else reader.reject(error);
    if (!this.listening.called) this.listening.errback(error as Error);
    this.end();
  }

  /** Nothing more comes; what has come can still be read. @internal */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this.#onAbort);
    for (const { resolve } of this.#readers.splice(0)) resolve(OVER);
    if (!this.listening.called) this.listening.cancel();
    this.#owner.leave(this);
  }

  #leave(): void {
    this.#queue = [];
    this.end();
  }
}
