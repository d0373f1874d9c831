import type { Driver, Notified } from "../../drivers/driver.js";
import type { Origin } from "../diagnostics/channels.js";
import { OperationalError } from "../errors/classes.js";
import type { ResolvedOptions } from "../options/settings.js";
import { Connector } from "../pool/connector.js";
import { translated } from "../pool/driver-guard.js";
import type { EventLog } from "../pool/event-log.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { within } from "../timeouts/deadline.js";

/** A session that hears nothing may be dead: it is asked for a sign of life so often, and has so long to give it. */
const ASK_MILLIS = 30_000;
const ANSWER_MILLIS = 10_000;
const CLOSE_MILLIS = 1_000;

/** Opens the sessions that listen, one at a time. They do not count in the pool's `max`, and no one else has them. */
export class ListenSessions {
  readonly #connector: Connector;
  readonly #driver: Driver;
  readonly #options: ResolvedOptions;
  readonly #lost: () => void;
  #session: ListenSession | undefined;

  /** @param lost called when the session that listens is no more */
  constructor(
    driver: Driver,
    args: readonly unknown[],
    options: ResolvedOptions,
    origin: Origin,
    events: EventLog,
    lost: () => void,
  ) {
    this.#driver = driver;
    this.#options = options;
    this.#lost = lost;
    this.#connector = new Connector(driver, args, options, {
      origin,
      prepare: async () => {},
      connected: () => {},
      abandoned: () => {},
      lost: (connection, error) => {
        events.lost(connection, translated(driver, error));
        this.#over(connection);
      },
      warned: (text) => events.warned(text),
      destroyFailed: (connection, error) => events.destroyFailed(connection, driver.name, error),
    });
  }

  async open(): Promise<ListenSession> {
    const connection = await this.#connector.connect();
    this.#session = new ListenSession(connection, this.#driver, this.#options.goodSql, () =>
      this.#over(connection),
    );
    return this.#session;
  }

  /** Gives up an attempt that is under way. */
  abort(): void {
    this.#connector.abort(new OperationalError("no listener is left"));
  }

  #over(connection: PooledConnection): void {
    const session = this.#session;
    if (session?.connection !== connection) return;
    this.#session = undefined;
    session.end();
    this.#lost();
  }
}

/** A session that listens to several channels. */
export class ListenSession {
  readonly connection: PooledConnection;
  /** What it listens to. */
  readonly channels = new Set<string>();
  readonly #driver: Driver;
  readonly #pulse: NodeJS.Timeout;

  constructor(connection: PooledConnection, driver: Driver, goodSql: string, died: () => void) {
    this.connection = connection;
    this.#driver = driver;
    const late = () => new OperationalError("no sign of life");
    this.#pulse = setInterval(() => {
      within(connection.conn.ping(goodSql), ANSWER_MILLIS, late).catch(died);
    }, ASK_MILLIS).unref();
  }

  async listen(channel: string, heard: (notified: Notified) => void): Promise<void> {
    await this.#asked(() => this.connection.conn.listen!(channel, heard));
    this.channels.add(channel);
  }

  async unlisten(channel: string): Promise<void> {
    this.channels.delete(channel);
    await this.#asked(() => this.connection.conn.unlisten!(channel));
  }

  /** In order, or at once where that takes long. */
  async close(): Promise<void> {
    clearInterval(this.#pulse);
    const late = () => new OperationalError("it did not close");
    await within(this.connection.conn.close(), CLOSE_MILLIS, late).catch(() => {});
    this.end();
  }

  /** At once. */
  end(): void {
    clearInterval(this.#pulse);
    this.connection.destroy();
    if (this.connection.state !== "closed") this.connection.move("closed");
  }

  async #asked(ask: () => Promise<void>): Promise<void> {
    const late = () => new OperationalError(`no answer to LISTEN in ${ANSWER_MILLIS} ms`);
    try {
      await within(this.connection.loss.wait(ask()), ANSWER_MILLIS, late);
    } catch (error) {
      throw translated(this.#driver, error);
    }
  }
}
