/** MariaDB, through mysql2 and mariadb: point selects over a pool of 8, 64 at once. */
import { ConnectionPool } from "adbapi";
import mariadb from "mariadb";
import mysql2 from "mysql2/promise";
import { fill, server, someId } from "./data.js";
import { type Contender, compare } from "./harness.js";

const SQL = "select * from items where id = ?";

export default async function question(): Promise<string> {
  const url = await server("mariadb");
  if (url === undefined) return "### MariaDB: no server\n";
  const filler = new ConnectionPool("mysql2", inScheme(url, "mysql:"));
  await fill(filler);
  await filler.close();
  const concurrency = 64;
  const mysql = await compare({
    title: "mysql2, point select, 64 at once, pool of 8",
    concurrency,
    contenders: [
      ours("mysql2", inScheme(url, "mysql:")),
      ours("mysql2", inScheme(url, "mysql:"), 1),
      mysql2Pool(url),
    ],
    budgets: [{ ours: "adbapi (mysql2)", peer: "mysql2/promise pool.execute", least: 1.3 }],
  });
  const maria = await compare({
    title: "mariadb, point select, 64 at once, pool of 8",
    concurrency,
    contenders: [ours("mariadb", inScheme(url, "mariadb:")), mariadbPool(url)],
    budgets: [{ ours: "adbapi (mariadb)", peer: "mariadb pool.execute", least: 2.2 }],
  });
  return `${mysql}\n${maria}`;
}

function ours(driver: "mysql2" | "mariadb", url: string, pipeline?: number): Contender {
  const pool = new ConnectionPool(driver, url, { min: 8, max: 8, pipeline });
  return {
    name: `adbapi (${driver}${pipeline === undefined ? "" : `, pipeline: ${pipeline}`})`,
    once: (n) => pool.runQuery(SQL, [someId(n)]),
    close: () => pool.close(),
  };
}

function mysql2Pool(url: string): Contender {
  const pool = mysql2.createPool({ uri: inScheme(url, "mysql:"), connectionLimit: 8 });
  return {
    name: "mysql2/promise pool.execute",
    once: (n) => pool.execute(SQL, [someId(n)]),
    close: () => pool.end(),
  };
}

function mariadbPool(url: string): Contender {
  const { hostname, port, username, password, pathname } = new URL(url);
  const pool = mariadb.createPool({
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    connectionLimit: 8,
  });
  return {
    name: "mariadb pool.execute",
    once: (n) => pool.execute(SQL, [someId(n)]),
    close: () => pool.end(),
  };
}

function inScheme(url: string, scheme: string): string {
  return url.replace(/^[a-z]+:/, scheme);
}
