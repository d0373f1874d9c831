/**
 * mariadb keeps the statements that it has prepared; a handle of one is closed after each use. Where the server has no
 * room for one more, those that this session keeps make room, or those of another.
 */
import { isFull } from "../mysql-family/errors/conditions.js";
import type { ServerError } from "../mysql-family/errors/server-error.js";
import type { Internals, Native, Prepared } from "./native.js";

export type Ready = (error: ServerError | null | undefined, prepared: Prepared) => void;

/** Has other sessions make room, and asks again: whether there is. */
type Room = (ask: () => Promise<boolean>) => Promise<void>;

/** How mariadb shows a cache that is empty, which it does not tell otherwise. */
const NONE_KEPT = "info{cache:}";

export class StatementCache {
  readonly #native: Native;
  readonly #inside: Internals | undefined;
  readonly #room: Room;

  constructor(native: Native, inside: Internals | undefined, room: Room) {
    this.#native = native;
    this.#inside = inside;
    this.#room = room;
  }

  get(sql: string, ready: Ready): void {
    this.#native.prepare(sql, (error, prepared) => {
      if (!error || !isFull(error)) return ready(error, prepared);
      let tell = () => ready(error, prepared);
      const ask = () =>
        new Promise<boolean>((resolve) => {
          this.#native.prepare(sql, (error, prepared) => {
            tell = () => ready(error, prepared);
            resolve(!error || !isFull(error));
          });
        });
      const again = async () => (this.giveRoom() && (await ask())) || this.#room(ask);
      void again().then(() => tell());
    });
  }

  /** Fires with undefined where it cannot be prepared. */
  prepared(sql: string): Promise<Prepared | undefined> {
    return new Promise((resolve) => {
      this.get(sql, (error, prepared) => resolve(error ? undefined : prepared));
    });
  }

  /** Closes all that are kept; false where there are none. */
  giveRoom(): boolean {
    const kept = this.#inside?.prepareCache;
    if (!kept || kept.toString() === NONE_KEPT) return false;
    kept.reset();
    return true;
  }
}
