import {
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Dialect as SqlDialect } from "../../drivers/driver.js";
import type { ConnectionPool } from "../connection-pool.js";
import { InterfaceError } from "../errors/classes.js";
import { AdbapiDriver } from "./driver.js";
import { withItsSignal } from "./signal.js";
import { SqliteAdapter } from "./sqlite-adapter.js";

export interface AdbapiDialectConfig {
  /** Closed by `db.destroy()`, as Kysely has it, once Kysely has used it. */
  // biome-ignore lint/suspicious/noExplicitAny: a pool of whatever driver
  readonly pool: ConnectionPool<any>;
  /** @default what the pool's driver says of itself */
  readonly dialect?: SqlDialect | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: Kysely's own type for a database of unknown tables
type AnyKysely = Kysely<any>;

interface Parts {
  readonly adapter: new () => DialectAdapter;
  readonly compiler: new () => QueryCompiler;
  readonly introspector: new (db: AnyKysely) => DatabaseIntrospector;
}

const PARTS = {
  postgres: {
    adapter: PostgresAdapter,
    compiler: PostgresQueryCompiler,
    introspector: PostgresIntrospector,
  },
  mysql: { adapter: MysqlAdapter, compiler: MysqlQueryCompiler, introspector: MysqlIntrospector },
  sqlite: { adapter: SqliteAdapter, compiler: SqliteQueryCompiler, introspector: SqliteIntrospector },
} as const satisfies Record<SqlDialect, Parts>;

/**
 * PostgreSQL, MySQL, MariaDB or SQLite for Kysely, over a pool. Single statements share the pool's connections; a
 * transaction, and `db.connection()`, have one for themselves.
 * @throws InterfaceError when the pool's driver does not say which SQL it speaks, and `dialect` does not either.
 */
export class AdbapiDialect implements Dialect {
  readonly #pool: ConnectionPool;
  readonly #dialect: SqlDialect;
  readonly #parts: Parts;

  constructor({ pool, dialect = pool.dialect }: AdbapiDialectConfig) {
    if (!Object.hasOwn(PARTS, dialect ?? "")) {
      const why = dialect
        ? `there is no dialect "${dialect}"`
        : `the driver of the pool "${pool.name}" does not say which SQL it speaks`;
      throw new InterfaceError(`${why}: give \`dialect\`, one of ${Object.keys(PARTS).join(", ")}`);
    }
    this.#pool = pool;
    this.#dialect = dialect as SqlDialect;
    this.#parts = PARTS[this.#dialect];
  }

  createDriver(): Driver {
    return new AdbapiDriver(this.#pool, this.#dialect);
  }

  createQueryCompiler(): QueryCompiler {
    const compiler = new this.#parts.compiler();
    const compile = compiler.compileQuery.bind(compiler);
    compiler.compileQuery = (node, id) => withItsSignal(compile(node, id));
    return compiler;
  }

  createAdapter(): DialectAdapter {
    return new this.#parts.adapter();
  }

  createIntrospector(db: AnyKysely): DatabaseIntrospector {
    return new this.#parts.introspector(db);
  }
}
