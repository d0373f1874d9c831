/**
 * COM_RESET_CONNECTION gives a session the server's defaults, which are not what it was opened with: the client's flags have a say in
 * sql_mode, its options in the character set, and a database that was selected stays selected.
 */

/** What a session was opened with. */
export interface Facts {
  /** The server's own number and version, to be held against what greeted us. */
  readonly id: number;
  readonly version: string;
  readonly maxAllowedPacket: number;
  readonly database: string | null;
  readonly sqlMode: string;
  readonly client: string;
  readonly results: string | null;
  readonly collation: string;
}

/** One row, in the order of `factsOf`. */
export const FACTS_SQL =
  "SELECT CAST(CONNECTION_ID() AS CHAR), VERSION(), CAST(@@max_allowed_packet AS CHAR), DATABASE(), @@sql_mode, " +
  "@@character_set_client, @@character_set_results, @@collation_connection";

export function factsOf(row: readonly unknown[]): Facts {
  const [id, version, maxAllowedPacket, database, sqlMode, client, results, collation] = row.map(textOf);
  return {
    id: Number(id),
    version: version ?? "",
    // What is no number is no limit that we know.
    maxAllowedPacket: Number(maxAllowedPacket) || Number.POSITIVE_INFINITY,
    database: database!,
    sqlMode: sqlMode!,
    client: client!,
    results: results!,
    collation: collation!,
  };
}

/** Texts come as bytes where the session's character set is binary, or as a user's `typeCast` likes them. */
export function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** The statements that lead back to these facts; undefined when nothing can. */
export function restoring(facts: Facts, database: string | null): readonly string[] | undefined {
  const set =
    `SET sql_mode = '${facts.sqlMode}', character_set_client = ${facts.client}, ` +
    `character_set_results = ${facts.results ?? "NULL"}, collation_connection = ${facts.collation}`;
  if (facts.database === database) return [set];
  return facts.database === null ? undefined : [`USE \`${facts.database.replaceAll("`", "``")}\``, set];
}
