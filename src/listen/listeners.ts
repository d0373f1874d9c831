import { setTimeout as sleep } from "node:timers/promises";
import type { Driver, Notified } from "../../drivers/driver.js";
import type { Origin } from "../diagnostics/channels.js";
import type { ProcessHold } from "../dispatch/process-hold.js";
import { InterfaceError, NotSupportedError, PoolClosed } from "../errors/classes.js";
import { checkListenOptions, type ListenOptions } from "../options/call-options.js";
import type { ResolvedOptions } from "../options/settings.js";
import type { EventLog } from "../pool/event-log.js";
import { Backoff } from "../timeouts/backoff.js";
import { type ListenSession, ListenSessions } from "./listen-session.js";
import { Subscription } from "./subscription.js";

const MAX_QUEUED = 1_000;

/** Pauses between attempts to listen again. */
const FIRST_PAUSE_MILLIS = 50;
const LAST_PAUSE_MILLIS = 5_000;

/** What is listened to through a pool: all channels on one session, which is opened again whenever it was lost. */
export class Listeners {
  readonly #driver: Driver;
  readonly #name: string;
  readonly #hold: ProcessHold;
  readonly #sessions: ListenSessions;
  readonly #readers = new Map<string, Set<Subscription>>();
  readonly #backoff = new Backoff(FIRST_PAUSE_MILLIS, LAST_PAUSE_MILLIS);
  #session: ListenSession | undefined;
  /** While it makes the session listen to what there are readers of. */
  #matching: Promise<void> | undefined;
  /** Ends a pause. */
  #pause = new AbortController();
  /** Lets the process end, once no listener reads. */
  #release: (() => void) | undefined;
  #closed = false;

  constructor(
    driver: Driver,
    args: readonly unknown[],
    options: ResolvedOptions,
    origin: Origin,
    events: EventLog,
    hold: ProcessHold,
  ) {
    this.#driver = driver;
    this.#name = options.name;
    this.#hold = hold;
    this.#sessions = new ListenSessions(driver, args, options, origin, events, () => {
      this.#session = undefined;
      this.#match();
    });
  }

  listen(channel: string, options: ListenOptions = {}): Subscription {
    const { maxQueued = MAX_QUEUED, signal } = options ?? {};
    const subscription = new Subscription(this, channel, { maxQueued, signal });
    const refusal = this.#refusal(channel, options);
    if (refusal !== undefined) subscription.fail(refusal);
    else if (signal?.aborted) subscription.end();
    else this.#add(subscription);
    return subscription;
  }

  /** @internal */
  leave(subscription: Subscription): void {
    const { channel } = subscription;
    const readers = this.#readers.get(channel);
    if (!readers?.delete(subscription)) return;
    if (readers.size === 0) this.#readers.delete(channel);
    if (this.#readers.size === 0) {
      this.#release?.();
      this.#pause.abort();
      this.#sessions.abort();
    }
    this.#match();
  }

  /** Ends all; fires when the session is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const subscription of this.#all()) subscription.end();
    await this.#matching;
  }

  #refusal(channel: unknown, options: unknown): Error | undefined {
    if (this.#closed) return new PoolClosed(`the pool "${this.#name}" is closed: nothing is listened to`);
    if (this.#driver.listens !== true)
      return new NotSupportedError(
        `the driver "${this.#driver.name}" has no notifications to listen to: PostgreSQL's LISTEN is on "pg"`,
      );
    if (typeof channel !== "string" || channel === "" || channel.includes("\0") || !channel.isWellFormed())
      return new InterfaceError("listen needs the name of a channel: a text that is not empty, without NUL");
    try {
      checkListenOptions(options);
    } catch (error) {
      return error as Error;
    }
    return undefined;
  }

  #add(subscription: Subscription): void {
    const { channel } = subscription;
    const readers = this.#readers.get(channel);
    if (readers === undefined) this.#readers.set(channel, new Set([subscription]));
    else readers.add(subscription);
    if (this.#release === undefined) {
      void this.#hold.during(
        new Promise<void>((resolve) => {
          this.#release = () => {
            this.#release = undefined;
            resolve();
          };
        }),
      );
    }
    if (this.#session?.channels.has(channel)) subscription.confirm();
    else this.#match();
  }

  #match(): void {
    this.#matching ??= this.#matched().finally(() => {
      this.#matching = undefined;
      if (this.#differs) this.#match();
    });
  }

  /** Whether the session, or that there is none, is not what the readers need. */
  get #differs(): boolean {
    const channels = this.#session?.channels;
    if (channels === undefined) return this.#readers.size > 0;
    if (channels.size !== this.#readers.size || channels.size === 0) return true;
    return [...channels].some((channel) => !this.#readers.has(channel));
  }

  async #matched(): Promise<void> {
    while (this.#differs) {
      try {
        if (this.#readers.size === 0) await this.#leaveSession();
        else {
          this.#session ??= await this.#sessions.open();
          await this.#step(this.#session);
          this.#backoff.reset();
        }
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  /** Makes the session listen to one channel more, or one less. */
  async #step(session: ListenSession): Promise<void> {
    const surplus = [...session.channels].find((channel) => !this.#readers.has(channel));
    if (surplus !== undefined) return session.unlisten(surplus);
    const missing = [...this.#readers.keys()].find((channel) => !session.channels.has(channel));
    if (missing === undefined) return;
    const heard = (notified: Notified) => {
      for (const reader of this.#readers.get(notified.channel) ?? []) reader.push(notified);
    };
    try {
      await session.listen(missing, heard);
    } catch (error) {
      // A name that the server would cut is this channel's fault alone.
      if (!(error instanceof InterfaceError)) throw error;
      for (const reader of [...(this.#readers.get(missing) ?? [])]) reader.fail(error);
      return;
    }
    for (const reader of this.#readers.get(missing) ?? []) reader.confirm();
  }

  /** Those that have not begun hear why; the others are waited for until it works again. */
  async #failed(error: unknown): Promise<void> {
    this.#dropSession();
    for (const reader of this.#all()) {
      if (!reader.confirmed || error instanceof NotSupportedError) reader.fail(error);
    }
    if (this.#readers.size === 0) return;
    this.#pause = new AbortController();
    await sleep(this.#backoff.next(), undefined, { signal: this.#pause.signal, ref: false }).catch(() => {});
  }

  async #leaveSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  #dropSession(): void {
    const session = this.#session;
    this.#session = undefined;
    session?.end();
  }

  #all(): Subscription[] {
    return [...this.#readers.values()].flatMap((readers) => [...readers]);
  }
}
