/**
 * COM_RESET_CONNECTION gives a session the server's defaults, which are not what it was opened with: the client's flags
 * have a say in sql_mode, its options in the character set, the selected database in that of files and of what is
 * created. And it leaves some things as they are: the database that was selected, the role that was taken, another
 * account's name (MariaDB 12), what profiling has recorded. test/faults/reset-leaves.test.ts tries the rest.
 * @see https://mariadb.com/kb/en/com_reset_connection/
 * @see https://dev.mysql.com/doc/c-api/8.4/en/mysql-reset-connection.html
 */

/** What a session was opened with. */
export interface Facts {
  /** The server's own number and version, to be held against what greeted us. */
  readonly id: number;
  readonly version: string;
  /** Tells servers behind one address apart. */
  readonly server: string;
  readonly maxAllowedPacket: number;
  readonly database: string | null;
  readonly role: string;
  readonly account: string;
  /**
   * The server may have run an `init_connect`, which a reset undoes: it is for accounts of few privileges alone, and
   * no variable tells whether it was run.
   */
  readonly initialized: boolean;
  readonly sqlMode: string;
  readonly client: string;
  readonly results: string | null;
  readonly collation: string;
  /** Of the selected database, as the session has it. */
  readonly databaseCollation: string;
  /** The collation of params, which no variable tells. */
  readonly paramCollation: string;
}

/**
 * A comment is run by MySQL from a version on, another by MariaDB alone. `@@server_uid` is in all of MariaDB from 11.6
 * on.
 */
const SERVER =
  "CONCAT_WS('/', @@hostname, @@port, @@server_id, /*!50700 @@server_uuid, */ /*M!110600 @@server_uid, */ @@datadir)";
const ROLE = "CONCAT_WS('', /*!80000 CURRENT_ROLE(), */ /*M! CURRENT_ROLE(), */ NULL)";

/** One row of one text. */
export const SERVER_SQL = `SELECT ${SERVER}`;

/** One row, in the order of `factsOf`. */
export const FACTS_SQL =
  `SELECT CAST(CONNECTION_ID() AS CHAR), VERSION(), ${SERVER}, CAST(@@max_allowed_packet AS CHAR), DATABASE(), ` +
  `${ROLE}, CURRENT_USER(), @@init_connect, @@sql_mode, @@character_set_client, @@character_set_results, @@collation_connection, @@collation_database`;

export function factsOf(row: readonly unknown[]): Facts {
  const [
    id,
    version,
    server,
    maxAllowedPacket,
    database,
    role,
    account,
    init,
    sqlMode,
    client,
    results,
    collation,
    databaseCollation,
  ] = row.map(textOf);
  return {
    id: Number(id),
    version: version ?? "",
    server: server ?? "",
    // What is no number is no limit that we know.
    maxAllowedPacket: Number(maxAllowedPacket) || Number.POSITIVE_INFINITY,
    database: database!,
    role: role ?? "",
    account: account ?? "",
    initialized: (init ?? "") !== "",
    sqlMode: sqlMode!,
    client: client!,
    results: results!,
    collation: collation!,
    databaseCollation: databaseCollation!,
    paramCollation: collation!,
  };
}

/** Texts come as bytes where the session's character set is binary. */
export function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** What may have been left, in the order of `leftIn`. */
export const LEFT_SQL = `SELECT DATABASE(), ${ROLE}, CURRENT_USER(), @@collation_database /*M! , (SELECT COUNT(*) FROM information_schema.PROFILING) */`;

/** What is beyond the size of the history goes when the next statement is recorded. */
const FORGET_PROFILES = [
  "SET profiling = 1, profiling_history_size = 0",
  "DO 0",
  "SET profiling = 0, profiling_history_size = DEFAULT",
];

/** What a reset has left of the session's past. */
export interface Left {
  readonly database: string | null;
  readonly role: string;
  readonly account: string;
  readonly databaseCollation: string;
  /** Statements that profiling keeps, and shows. */
  readonly profiles: number;
}

export function leftIn(row: readonly unknown[]): Left {
  const [database, role, account, databaseCollation, profiles] = row.map(textOf);
  return {
    database: database!,
    role: role ?? "",
    account: account ?? "",
    databaseCollation: databaseCollation!,
    profiles: Number(profiles ?? 0),
  };
}

/** The statements that lead back to these facts, or why nothing can. */
export function restoring(facts: Facts, left: Left): readonly string[] | string {
  if (facts.account !== left.account)
    return "the session was made another account's, and nothing can undo that";
  if (facts.initialized) return "the server has an init_connect, which a reset does not run again";
  const statements: string[] = [];
  if (facts.database === null) {
    if (left.database !== null)
      return "a database was selected where there was none, and nothing can undo that";
  } else if (facts.database !== left.database || facts.databaseCollation !== left.databaseCollation) {
    statements.push(`USE ${quoted(facts.database)}`);
  }
  if (facts.role !== left.role) statements.push(`SET ROLE ${roleText(facts.role)}`);
  if (left.profiles > 0) statements.push(...FORGET_PROFILES);
  // Of the client's character set alone a variable could be set, and params would get its default collation.
  statements.push(
    `SET NAMES ${facts.client} COLLATE ${facts.paramCollation}, collation_connection = ${facts.collation}, ` +
      `character_set_results = ${facts.results ?? "NULL"}, sql_mode = '${facts.sqlMode}'`,
  );
  return statements;
}

/** MySQL gives a list of names that are quoted already; MariaDB one name. */
function roleText(role: string): string {
  if (role === "") return "NONE";
  return role === "NONE" || role.startsWith("`") ? role : quoted(role);
}

function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
