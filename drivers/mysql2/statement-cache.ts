/**
 * Statements that mysql2 has prepared, with the number of their placeholders: mysql2 sends what it is given, and with
 * one param too many the server reads the wrong bytes (sidorares/node-mysql2 #290). Asking mysql2's own cache costs a
 * command for each use.
 */
import type { QueryError } from "mysql2";
import { Lru } from "../common/lru.js";
import { isFull } from "../mysql-family/errors/conditions.js";
import type { Native } from "./native.js";

export interface Prepared {
  readonly count: number;
  execute(values: unknown[], callback: unknown): unknown;
}

/** Has other sessions make room, and asks again: whether there is. */
type Room = (ask: () => Promise<boolean>) => Promise<void>;

type Ready = (error: QueryError | null, prepared: Prepared) => void;

/** How many another session gets at a time. */
const GIVEN = 8;

export class StatementCache {
  readonly #native: Native;
  readonly #room: Room;
  readonly #known: Lru<Prepared>;

  constructor(native: Native, room: Room) {
    this.#native = native;
    this.#room = room;
    const { maxPreparedStatements } = native.config as unknown as { maxPreparedStatements: number };
    this.#known = new Lru(maxPreparedStatements);
  }

  get(sql: string, ready: Ready): void {
    const known = this.#known.get(sql);
    if (known === undefined) this.#prepare(sql, ready);
    else ready(null, known);
  }

  /** Fires once it is prepared; false where it cannot be, or is not kept. */
  knows(sql: string): Promise<boolean> {
    return new Promise((resolve) => this.get(sql, () => resolve(this.keeps(sql))));
  }

  keeps(sql: string): boolean {
    return this.#known.peek(sql) !== undefined;
  }

  forget(sql: string): void {
    this.#known.delete(sql);
    this.#native.unprepare(sql);
  }

  /** For a session whose statements the server has dropped all. */
  clear(): void {
    this.#known.clear();
  }

  /** Forgets a few, those used longest ago first; false where there are none. */
  giveRoom(): boolean {
    const oldest = [...this.#known.keys()].slice(0, GIVEN);
    for (const sql of oldest) this.forget(sql);
    return oldest.length > 0;
  }

  /** Where the server has no room for one more, one of ours makes room, or some of another session. */
  #prepare(sql: string, ready: Ready): void {
    this.#ask(sql, (error, prepared) => {
      if (error === null || !isFull(error)) return ready(error, prepared);
      const [oldest] = this.#known.keys();
      if (oldest === undefined) return this.#prepareWithRoom(sql, error, ready);
      this.forget(oldest);
      this.#prepare(sql, ready);
    });
  }

  #prepareWithRoom(sql: string, full: QueryError, ready: Ready): void {
    let tell = () => ready(full, undefined as never);
    const ask = () =>
      new Promise<boolean>((resolve) => {
        this.#ask(sql, (error, prepared) => {
          tell = () => ready(error, prepared);
          resolve(error === null || !isFull(error));
        });
      });
    void this.#room(ask).then(() => tell());
  }

  /** mysql2 closes what it has not been asked for longest, and does not count the uses that go past it. */
  #hear(statement: { close: () => unknown }, sql: string): void {
    if (Object.hasOwn(statement, "close")) return;
    const close = statement.close.bind(statement);
    statement.close = () => {
      this.#known.delete(sql);
      return close();
    };
  }

  #ask(sql: string, ready: Ready): void {
    // The callback comes at once for a statement that mysql2 knows already, and that it counted then.
    let command: { readonly parameterCount?: number } | undefined;
    command = this.#native.prepare(sql, (error, statement) => {
      if (error !== null) return ready(error, undefined as never);
      const { parameters } = statement as unknown as { parameters: readonly unknown[] };
      // The list can be shorter than the count that came before it (#2109, #2052).
      const count = Math.max(parameters.length, command?.parameterCount ?? 0);
      const prepared = { count, execute: statement.execute.bind(statement) as Prepared["execute"] };
      this.#hear(statement, sql);
      const evicted = this.#known.set(sql, prepared);
      if (evicted !== undefined) this.forget(evicted[0]);
      ready(null, prepared);
    }) as never;
  }
}
