/** The part of the driver contract that is about one statement: what is asked, and what comes of it. */
import type { Outcome } from "../src/errors/classes.js";

/** PEP 249's names for the ways to mark params: `?` is `"qmark"`, `$1` is `"numeric"`. */
export type Paramstyle = "qmark" | "numeric" | "named" | "format" | "pyformat";

/** Values by name: a plain object, also one whose type is an interface or a class without methods. */
export type NamedParams =
  | Readonly<Record<string, unknown>>
  // An interface has no index signature; what can be iterated or called is no such object.
  | (object & { readonly [Symbol.iterator]?: never; readonly apply?: never });

/** Values in order, or by name where the driver has named params. */
export type Params = readonly unknown[] | NamedParams;

/** Families of SQL: what query builders write differently. */
export type Dialect = "postgres" | "mysql" | "sqlite";

/** Rows as objects by column name, or as arrays in the order of the columns. */
export type RowMode = "object" | "array";

/** The levels of the SQL standard. What each means, and which are granted, is the database's affair. */
export type IsolationLevel = "read uncommitted" | "read committed" | "repeatable read" | "serializable";

/** How a transaction begins. */
export interface TransactionOptions {
  /** Default: the server's. */
  readonly isolation?: IsolationLevel | undefined;
  /** Default false. */
  readonly readOnly?: boolean | undefined;
}

/** One statement on its way. The object's identity names it to `cancel`. */
export interface Statement {
  readonly sql: string;
  /** As `Driver.bind` left them; undefined when the caller gave none. */
  readonly params: Params | undefined;
  readonly rowMode: RowMode;
}

/** A column of a result. */
export interface Column {
  /** Its label, as the SQL gives it. */
  readonly name: string;
  /** PostgreSQL's number of its type, as in `pg_type.oid`. Absent elsewhere. */
  readonly dataTypeID?: number | undefined;
  /** MySQL's and MariaDB's number of its type, as in the protocol: 3 is INT, 253 VARCHAR. Absent elsewhere. */
  readonly columnType?: number | undefined;
}

/** What a statement gave. */
export interface Result {
  /** Objects or arrays, as the statement's `rowMode` asked; empty when there are none. */
  readonly rows: unknown[];
  /** Rows affected by a write, or returned by a query (PEP 249's `rowcount`). */
  readonly rowCount: number;
  /** The last generated key: a number when safe, else a bigint; undefined where the database has none. */
  readonly lastInsertId: number | bigint | undefined;
  /**
   * Of those that an UPDATE met, the rows that it really changed; undefined where the database or the package does not
   * tell.
   */
  readonly changedRows?: number | undefined;
  /** What the server calls that which it ran; numbers behind it say nothing. Undefined where it does not tell. */
  readonly command?: string | undefined;
  /** In order; empty when there are no rows to be had. */
  readonly columns: readonly Column[];
  /** What the database itself says of the text: that it can write nothing. Undefined where it does not tell. */
  readonly readOnly?: boolean | undefined;
}

/** What a cancel has done so far. */
export interface Cancellation {
  /** What is known at this moment; the settling of `execute` may tell more. */
  readonly outcome: Outcome;
  /** Fires, and never rejects, once this cancel can no longer hit a later statement. */
  readonly done: Promise<void>;
}
