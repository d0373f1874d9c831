import type { AdbapiError } from "../errors/classes.js";
import type { ResolvedOptions } from "../options/settings.js";
import type { Connections } from "../pool/connections.js";
import type { Waiter } from "../statement/waiting-line.js";
import type { Borrowed } from "./borrowed.js";
import { explainPoolTimeout } from "./pool-timeout.js";
import type { Queue } from "./queue.js";

/** Why work that waits is refused: too many wait, it has waited for too long, or there is nothing left to wait for. */
export class Refusals {
  readonly #options: ResolvedOptions;
  readonly #connections: Connections;
  readonly #queue: Queue;
  readonly #borrowed: Borrowed;
  readonly #left: () => void;
  /** Waiters that were refused since no connection came free. */
  timeouts = 0;
  /** The database went with its session, and no caller has been told yet; changed here alone. */
  untold: AdbapiError | undefined;

  /** @param left hears that fewer wait */
  constructor(
    options: ResolvedOptions,
    connections: Connections,
    queue: Queue,
    borrowed: Borrowed,
    left: () => void,
  ) {
    this.#options = options;
    this.#connections = connections;
    this.#queue = queue;
    this.#borrowed = borrowed;
    this.#left = left;
  }

  /**
   * With no connection left there is nothing to wait for; otherwise (a server at its limit) those who wait go on
   * waiting for one that returns.
   */
  connectFailed(error: AdbapiError): void {
    if (!this.#connections.mayConnectSoon) this.refuseAll(error);
  }

  /** What waits was asked of the database that was lost; with nothing waiting, the next caller is told. */
  databaseLost(error: AdbapiError): void {
    if (this.#queue.waiting === 0) this.untold = error;
    this.refuseAll(error);
  }

  /** What a caller is told now, and no caller again. */
  tell(): AdbapiError {
    const error = this.untold!;
    this.untold = undefined;
    return error;
  }

  /** Whether more wait than may, beyond those for whom a connection is on its way: then this one was refused. */
  tooMany(waiter: Waiter): boolean {
    const { maxWaiting } = this.#options;
    if (maxWaiting === Number.POSITIVE_INFINITY) return false;
    if (this.#queue.waiting - this.#connections.coming <= maxWaiting) return false;
    this.#giveUp(waiter, `${maxWaiting} are waiting already (maxWaiting)`);
    return true;
  }

  /** It has waited for as long as the pool lets work wait. */
  tooLate(waiter: Waiter): void {
    const { acquireTimeoutMillis } = this.#options;
    this.#giveUp(waiter, `no connection came free in ${acquireTimeoutMillis} ms (acquireTimeoutMillis)`);
  }

  refuseAll(error: AdbapiError): void {
    this.#queue.refuseAll(error);
    this.#left();
  }

  #giveUp(waiter: Waiter, why: string): void {
    this.timeouts++;
    const error = explainPoolTimeout(why, waiter, {
      name: this.#options.name,
      max: this.#options.max,
      connections: this.#connections,
      queue: this.#queue,
      holders: [...this.#borrowed.holders()],
    });
    waiter.line?.remove(waiter);
    this.#left();
    waiter.refuse(error);
  }
}
