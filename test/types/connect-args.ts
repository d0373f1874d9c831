/** Compiled, never run: connect arguments follow from the driver's name. */
import {
  type BlockingDriver,
  type ConnectArgs,
  type ConnectArgsOf,
  ConnectionPool,
  type Driver,
} from "adbapi";
import { expectTypeOf } from "vitest";

declare const ownDriver: Driver;
declare const blocking: BlockingDriver;

new ConnectionPool("pg", "postgres://localhost/agentdata");
new ConnectionPool("pg", { host: "localhost", database: "agentdata", ssl: { rejectUnauthorized: true } });
new ConnectionPool("mysql2", "mysql://root@localhost/agentdata");
new ConnectionPool("mariadb", new URL("mariadb://root@localhost/agentdata"));
new ConnectionPool("mysql2", { host: "localhost", charset: "utf8mb4" });
new ConnectionPool("mariadb", { host: "localhost", compress: true });
new ConnectionPool("better-sqlite3", "agentdata.db");
new ConnectionPool("better-sqlite3", ["agentdata.db", { readonly: true }], { max: 2 });
new ConnectionPool("node:sqlite", ["agentdata.db", { readOnly: true }]);
new ConnectionPool(ownDriver, { whatever: "it takes" });
new ConnectionPool(blocking, ["file.db", 5]);
new ConnectionPool("one that was registered", ["anything"]);
ConnectionPool.fromUrl("sqlite::memory:", { max: 1 });
ConnectionPool.fromUrl(process.env.DATABASE_URL);

// @ts-expect-error pg knows no hostname
new ConnectionPool("pg", { hostname: "localhost" });
// @ts-expect-error a port is a number
new ConnectionPool("pg", { host: "localhost", port: "5432" });
// @ts-expect-error mysql2 calls it uri, not connectionString
new ConnectionPool("mysql2", { connectionString: "mysql://root@localhost" });
// @ts-expect-error mariadb has no such option
new ConnectionPool("mariadb", { hosts: "localhost" });
// @ts-expect-error better-sqlite3 spells it readonly
new ConnectionPool("better-sqlite3", ["agentdata.db", { readOnly: true }]);
// @ts-expect-error node:sqlite spells it readOnly
new ConnectionPool("node:sqlite", ["agentdata.db", { readonly: true }]);
// @ts-expect-error a function cannot go to another thread
new ConnectionPool("better-sqlite3", ["agentdata.db", { verbose: console.log }]);
// @ts-expect-error the pool's options come after the connect arguments
new ConnectionPool("better-sqlite3", "agentdata.db", "readonly");
// @ts-expect-error a file and options make a tuple of at most two
new ConnectionPool("node:sqlite", ["agentdata.db", {}, {}]);
// @ts-expect-error the arguments are missing
new ConnectionPool("pg");

// What a pool is given depends on the name, also where that is one of several.
expectTypeOf<ConnectArgsOf<"pg">>().toEqualTypeOf<ConnectArgs["pg"]>();
expectTypeOf<ConnectArgsOf<"better-sqlite3" | "node:sqlite">>().toEqualTypeOf<
  ConnectArgs["better-sqlite3"] | ConnectArgs["node:sqlite"]
>();
expectTypeOf<ConnectArgsOf<Driver>>().toBeUnknown();
expectTypeOf(new ConnectionPool("pg", {})).toExtend<ConnectionPool>();
