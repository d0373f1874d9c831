/** LISTEN and NOTIFY on one session. @see https://www.postgresql.org/docs/current/sql-listen.html */
import type { Client, Notification } from "pg";
import { InterfaceError, NotSupportedError } from "../../../src/errors/classes.js";
import type { Notified } from "../../driver.js";
import type { TextRows } from "../values/made-types.js";

/** What of the session is needed. */
interface Asked {
  readonly native: Client;
  /** The process that greeted this client. */
  readonly id: number | undefined;
  ask(sql: string): Promise<TextRows>;
}

/** NAMEDATALEN of PostgreSQL, without its last byte: a longer name is cut, and would be another channel. */
const LONGEST_NAME = 63;

export class Notifications {
  readonly #session: Asked;
  readonly #heard = new Map<string, (notified: Notified) => void>();
  #direct: boolean | undefined;

  constructor(session: Asked) {
    this.#session = session;
    session.native.on("notification", (notification) => this.#tell(notification));
  }

  async listen(channel: string, heard: (notified: Notified) => void): Promise<void> {
    const name = quoted(channel);
    await this.#refusePooler();
    // Before it is confirmed, since what comes right behind that is told ahead of it.
    this.#heard.set(channel, heard);
    try {
      await this.#session.ask(`LISTEN ${name}`);
    } catch (error) {
      this.#heard.delete(channel);
      throw error;
    }
  }

  async unlisten(channel: string): Promise<void> {
    this.#heard.delete(channel);
    await this.#session.ask(`UNLISTEN ${quoted(channel)}`);
  }

  #tell({ channel, payload = "", processId }: Notification): void {
    this.#heard.get(channel)?.({ channel, payload, processId });
  }

  /** A pooler greets its clients in a name of its own, and has any process answer. */
  async #refusePooler(): Promise<void> {
    if (this.#direct === undefined) {
      const [row] = await this.#session.ask("SELECT pg_backend_pid()");
      this.#direct = Number(row?.[0]) === this.#session.id;
    }
    if (this.#direct) return;
    throw new NotSupportedError(
      "LISTEN needs a session of its own, and a pooler stands between this client and the server: another process answers than the one " +
        "that greeted. In transaction mode notifications would be lost without a word: connect a pool to PostgreSQL itself for listen",
    );
  }
}

function quoted(channel: string): string {
  if (Buffer.byteLength(channel) > LONGEST_NAME)
    throw new InterfaceError(
      `a channel's name has at most ${LONGEST_NAME} bytes: PostgreSQL would cut this one`,
    );
  return `"${channel.replaceAll('"', '""')}"`;
}
