/** What makes a session of SQLite new again without opening the file anew, which would lose a private database. */

/** The part of a database handle that better-sqlite3 and node:sqlite share. */
interface Handle {
  prepare(sql: string): { all(): unknown[] };
  exec(sql: string): unknown;
}

export function resetPrivate(
  db: Handle & { readonly inTransaction?: boolean; readonly isTransaction?: boolean },
): void {
  if (db.inTransaction ?? db.isTransaction) db.exec("rollback");
  for (const { name } of db.prepare("pragma database_list").all() as { name: string }[]) {
    if (name !== "main" && name !== "temp") db.exec(`detach ${quoted(name)}`);
  }
  const temporary = "select type, name from temp.sqlite_master where type in ('table', 'view', 'trigger')";
  for (const { type, name } of db.prepare(temporary).all() as { type: string; name: string }[]) {
    db.exec(`drop ${type} if exists temp.${quoted(name)}`);
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
