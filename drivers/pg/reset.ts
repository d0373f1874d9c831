/**
 * DISCARD ALL, but for the statements that the driver prepared, whose names it goes on using.
 * @see https://www.postgresql.org/docs/current/sql-discard.html
 */
import type { Execution } from "./execution.js";

const RESET = [
  "CLOSE ALL",
  "SET SESSION AUTHORIZATION DEFAULT",
  "RESET ALL",
  "UNLISTEN *",
  "SELECT pg_advisory_unlock_all()",
  "DISCARD TEMP",
  "DISCARD SEQUENCES",
  "SELECT quote_ident(name) FROM pg_prepared_statements WHERE from_sql",
].join("; ");

export async function reset(command: (sql: string) => Promise<Execution>): Promise<void> {
  const { collected } = await command(RESET);
  // The other select has one row with nothing in it.
  const names = (collected as string[][]).flat().filter((name) => name !== "");
  if (names.length > 0) await command(names.map((name) => `DEALLOCATE ${name}`).join("; "));
}
