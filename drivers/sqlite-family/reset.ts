/** What makes a session of SQLite new again without opening the file anew, which would lose a private database. */
import { type Handle, SessionSettings } from "./settings.js";

/** A session that is its database: what belongs to the session is brought back, what belongs to the database stays. */
export class PrivateSession {
  readonly #db: Handle;
  readonly #settings: SessionSettings;

  /** @param db as it was opened */
  constructor(db: Handle) {
    this.#db = db;
    this.#settings = new SessionSettings(db);
  }

  /** PRAGMAs that `reset` would not undo. */
  get unrestorable(): ReadonlySet<string> {
    return this.#settings.unrestorable;
  }

  /** Only while no transaction is open. */
  reset(): void {
    const db = this.#db;
    db.exec("pragma query_only = off");
    for (const [, name] of db.rows("pragma database_list")) {
      if (name !== "main" && name !== "temp") db.exec(`detach ${quoted(name as string)}`);
    }
    // SQLite throws all temporary tables, views and triggers away when they are to be kept elsewhere.
    db.exec("pragma temp_store = 1; pragma temp_store = 2");
    this.#settings.restore();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
