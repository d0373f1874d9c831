/** One session with a SQLite database, in its thread: all of it that does not depend on the package. */
import type { BlockingConnection, BlockingCursor, BlockingResult } from "../blocking/module.js";
import type { Params, TransactionOptions } from "../driver.js";
import { admitPragma, type Pragma } from "./pragmas.js";
import { PrivateSession } from "./reset.js";
import type { Handle } from "./settings.js";
import { type Prepared, StatementCache } from "./statement-cache.js";
import { statementsOf } from "./statements.js";

export abstract class SqliteConnection<P extends Prepared> implements BlockingConnection {
  /** Only of a private database, which would be lost if its file were closed and opened again. */
  readonly reset?: () => void;
  protected readonly statements: StatementCache<P>;

  /** @param isPrivate no other session can open this database */
  constructor(db: Handle, isPrivate: boolean) {
    const session = isPrivate ? new PrivateSession(db) : undefined;
    this.statements = new StatementCache<P>({
      prepare: (sql, pragma) => this.prepare(sql, pragma),
      admit: (pragma) => admitPragma(pragma, this.inTransaction, session?.unrestorable),
    });
    if (session !== undefined) {
      this.reset = () => {
        if (this.inTransaction) this.rollback();
        this.statements.clear();
        session.reset();
      };
    }
  }

  divide(script: string): Iterable<readonly [start: number, end: number]> {
    return statementsOf(script);
  }

  abstract get inTransaction(): boolean;
  abstract execute(sql: string, params: Params | undefined): BlockingResult;
  abstract iterate(sql: string, params: Params | undefined): BlockingCursor | undefined;
  abstract readOnly(sql: string): boolean;
  abstract begin(options: TransactionOptions): void;
  abstract commit(): void;
  abstract rollback(): void;
  abstract close(): void;

  protected abstract prepare(sql: string, pragma: Pragma | undefined): P;
}
