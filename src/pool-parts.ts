import type { Driver } from "../drivers/driver.js";
import type { Origin } from "./diagnostics/channels.js";
import type { PoolStats } from "./diagnostics/pool-stats.js";
import { Dispatcher } from "./dispatch/dispatcher.js";
import { SingleStatements } from "./dispatch/single-statements.js";
import { statsOf } from "./dispatch/stats.js";
import { PoolClosed } from "./errors/classes.js";
import type { InteractionContext } from "./interaction/interaction.js";
import { Interactions } from "./interaction/interactions.js";
import { Listeners } from "./listen/listeners.js";
import { Connections } from "./pool/connections.js";
import { EventLog } from "./pool/event-log.js";
import type { ResolvedPoolOptions } from "./pool-options.js";
import { runOpenfun } from "./session/connection.js";
import { PoolStreams } from "./stream/pool-stream.js";
import { within } from "./timeouts/deadline.js";

/**
 * How long what was cancelled at the deadline of `close` may take to settle: as long again as the deadline, within
 * these bounds.
 */
const LEAST_CLOSE_MILLIS = 1_000;
const MOST_CLOSE_MILLIS = 6_000;
/** How long sessions may take to close in order when the deadline of `close` is over. */
const GOODBYE_MILLIS = 500;

/** What a pool is made of, each part told of the others that it needs; and how all of it is closed. */
export class PoolParts {
  readonly connections: Connections;
  readonly dispatcher: Dispatcher;
  readonly interactions: Interactions;
  readonly streams: PoolStreams;
  readonly statements: SingleStatements;
  readonly listeners: Listeners;
  readonly #options: ResolvedPoolOptions;
  readonly #events: EventLog;

  constructor(driver: Driver, args: readonly unknown[], options: ResolvedPoolOptions, origin: Origin) {
    const { openfun } = options;
    const events = new EventLog(options);
    this.#options = options;
    this.#events = events;
    this.connections = new Connections(driver, args, options, events, {
      origin,
      prepare: (connection) =>
        openfun === undefined ? Promise.resolve() : runOpenfun(openfun, connection, context),
      roomMade: () => this.dispatcher.serve(),
      connectFailed: (error) => this.dispatcher.connectFailed(error),
      databaseLost: (error) => this.dispatcher.databaseLost(error),
    });
    this.dispatcher = new Dispatcher(driver, options, this.connections, origin);
    const context: InteractionContext = { driver, options, events, dispatcher: this.dispatcher, origin };
    this.interactions = new Interactions(context);
    this.streams = new PoolStreams(context);
    this.listeners = new Listeners(driver, args, options, origin, events, this.dispatcher.hold);
    this.statements = new SingleStatements(driver, this.dispatcher, origin, options);
  }

  get stats(): PoolStats {
    return statsOf(this.#options, this.connections, this.dispatcher, this.#events);
  }

  /** Fires once `min` connections are open; the process stays alive until then. */
  start(): Promise<void> {
    return this.dispatcher.hold.during(this.connections.fill());
  }

  /** Fires once queued and running work has finished and all is closed; the process stays alive until then. */
  close(timeoutMillis: number | undefined): Promise<void> {
    return this.dispatcher.hold.during(this.#close(timeoutMillis));
  }

  async #close(timeoutMillis = Number.POSITIVE_INFINITY): Promise<void> {
    const drained = this.dispatcher.drain();
    const deaf = this.listeners.close();
    const end = performance.now() + timeoutMillis;
    if (timeoutMillis === Number.POSITIVE_INFINITY) await drained;
    else {
      const { name } = this.#options;
      const closed = new PoolClosed(
        `the pool "${name}" was closed, and its ${timeoutMillis} ms for work to finish were over`,
      );
      await within(drained, timeoutMillis, () => closed).catch(() =>
        this.#abort(drained, closed, timeoutMillis),
      );
    }
    await this.connections.close(
      Math.min(Math.max(end - performance.now(), GOODBYE_MILLIS), MOST_CLOSE_MILLIS),
    );
    await deaf;
    this.dispatcher.close();
  }

  /** Its time is over: what waits is refused, what runs is cancelled, and what does not settle then is destroyed. */
  async #abort(drained: Promise<void>, closed: PoolClosed, timeoutMillis: number): Promise<void> {
    this.dispatcher.abort(closed);
    // Those that waited for a connection have had their answer.
    this.interactions.cancel(closed);
    this.streams.cancel(closed);
    const again = Math.min(Math.max(timeoutMillis, LEAST_CLOSE_MILLIS), MOST_CLOSE_MILLIS);
    await within(drained, again, () => closed).catch(() => this.connections.destroyAll());
    await drained;
  }
}
