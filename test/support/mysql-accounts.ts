/** Who may come to MariaDB and MySQL: one account for each way to ask for a password that its clients know. */
import { PASSWORD } from "./passwords.js";

/** mysql2 knows the native way, and that of MySQL 8. */
const NATIVE = "adbapi";
/** Only the package mariadb knows this way, and only the server MariaDB. */
const ED25519 = "adbapi_ed25519";

const WORD = `'${PASSWORD}'`;
const EVERYTHING = (user: string) => `grant all on *.* to ${user}@'%' with grant option`;

export const MARIADB_ACCOUNTS: readonly string[] = [
  "drop user if exists root@'127.0.0.1', root@'::1', ''@localhost, root@'%'",
  `alter user root@localhost identified by ${WORD}`,
  `create or replace user ${NATIVE}@'%' identified via mysql_native_password using password(${WORD})`,
  `create or replace user ${ED25519}@'%' identified via ed25519 using password(${WORD})`,
  EVERYTHING(NATIVE),
  EVERYTHING(ED25519),
  "create database if not exists test",
];

export const MYSQL_ACCOUNTS: readonly string[] = [
  `alter user root@localhost identified by ${WORD}`,
  `create user if not exists ${NATIVE}@'%' identified by ${WORD}`,
  EVERYTHING(NATIVE),
  "create database if not exists test",
];

/** The account of a client at MariaDB. */
export function mariadbAccount(client: string): string {
  return client === "mariadb" ? ED25519 : NATIVE;
}

export const mysqlAccount = (): string => NATIVE;

/** The same server for clients who know the native way only; somebody's own server as it is. */
export function forNativeClients(url: string): string {
  const changed = new URL(url);
  if (changed.username === ED25519) changed.username = NATIVE;
  return changed.href;
}
