/** Sessions of the tests' own at MariaDB and MySQL, beside the pools. */
import mysql, { type Connection } from "mysql2/promise";
import { forNativeClients } from "./mysql-accounts.js";
import { authority } from "./world-files.js";

/** To the server and database of a URL, as `connectArgs` has it. */
export function connectMysql(url: string, options: mysql.ConnectionOptions = {}): Promise<Connection> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(forNativeClients(url));
  const database = decodeURIComponent(pathname.slice(1));
  return mysql.createConnection({
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    ...(database === "" ? {} : { database }),
    ...(searchParams.get("ssl") === "true" ? { ssl: { ca: authority(), verifyIdentity: true } } : {}),
    ...options,
  });
}

/** One statement in a session of its own. */
export async function askMysql(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await connectMysql(url);
  try {
    const [rows] = await connection.query(sql);
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
  } finally {
    connection.destroy();
  }
}
