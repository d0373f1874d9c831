/**
 * Whether a session may be sent statements ahead of their answers. mariadbd and mysqld read the next from their socket
 * when they are ready for it. A proxy that speaks the protocol itself may hang up on it (ProxySQL until 2025,
 * sysown/proxysql #5081), and Aurora 2, which calls itself MySQL 5.7, never answers (mysql-net/MySqlConnector #486).
 */
import type { Facts } from "../reset.js";

/**
 * What the other end of the socket said first. A proxy that tracks the server's number (mariadb hears of that)
 * counts as one with the server.
 */
export interface Greeting {
  readonly id: number | null;
  readonly version: string | undefined;
  /** The collation that the package asked for. */
  readonly collation: string | undefined;
}

/**
 * True for a server that greeted us itself and is known to read ahead. A proxy between greets with a number, or a
 * version, of its own.
 */
export function readsAhead(
  greeting: Pick<Greeting, "id" | "version">,
  { id, version }: Pick<Facts, "id" | "version">,
): boolean {
  // The greeting has room for 32 bits of the number, and MariaDB put this before its version so that old replicas took
  // it for theirs.
  const itself =
    (greeting.id ?? Number.NaN) % 2 ** 32 === id % 2 ** 32 &&
    greeting.version?.replace(/^5\.5\.5-/, "") === version;
  return itself && (/mariadb/i.test(version) || Number.parseInt(version, 10) >= 8);
}
