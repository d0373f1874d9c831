/** Whom to mail, and what came of it: a table. */
import { type ConnectionPool, type Deferred, inlineCallbacks } from "adbapi";

export interface Recipient {
  readonly id: number;
  readonly address: string;
}

const WAITING = "select id, address from recipients where state is null order by id";

export class Recipients {
  readonly #pool: ConnectionPool<"better-sqlite3">;
  /** What is to be recorded: a transaction for every single mail would take longer than the mail. */
  #outcomes: [state: "sent" | "failed", error: string | null, id: number][] = [];

  constructor(pool: ConnectionPool<"better-sqlite3">) {
    this.#pool = pool;
  }

  /** Makes them up where they are not there yet. Fires with how many are waiting for their mail. */
  readonly prepare = inlineCallbacks(function* (this: Recipients, total: number) {
    yield* this.#pool.runOperation(
      "create table if not exists recipients (id integer primary key, address text, state text, error text)",
    );
    yield* this.#pool.runOperation(
      `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ?)
       insert or ignore into recipients (id, address)
       select n, 'reader' || n || iif(n % 10 = 0, '+bad', '') || '@example.com' from numbers`,
      [total],
    );
    const [row] = yield* this.#pool.runQuery<{ left: number }>(
      "select count(*) as left from recipients where state is null",
    );
    return row?.left ?? 0;
  });

  /** The first of those who are waiting. */
  some(limit: number): Deferred<Recipient[]> {
    return this.#pool.runQuery<Recipient>(`${WAITING} limit ?`, [limit]);
  }

  /** All of them, no faster than they are taken. */
  all(): AsyncIterator<Recipient> {
    return this.#pool.runStream<Recipient>(WAITING)[Symbol.asyncIterator]();
  }

  /** How many outcomes are noted and not recorded yet. */
  get noted(): number {
    return this.#outcomes.length;
  }

  note(id: number, error?: string): void {
    this.#outcomes.push([error === undefined ? "sent" : "failed", error ?? null, id]);
  }

  /** Fires once what was noted is in the database. */
  readonly record = inlineCallbacks(function* (this: Recipients) {
    const batch = this.#outcomes;
    this.#outcomes = [];
    if (batch.length === 0) return;
    yield* this.#pool.runInteraction((transaction) =>
      transaction.executeMany("update recipients set state = ?, error = ? where id = ?", batch),
    );
  });
}
