// The drivers' own SQLite, and a count of the rows that were made for streams.
import { connect as betterSqlite3 } from "../../../dist/drivers/better-sqlite3/module.js";
import { connect as nodeSqlite } from "../../../dist/drivers/node-sqlite/module.js";

const modules = { "better-sqlite3": betterSqlite3, "node:sqlite": nodeSqlite };

export function connect(name, counter, file) {
  const connection = modules[name](file);
  const cells = new Int32Array(counter);
  const counted = function* (rows) {
    for (const row of rows) {
      Atomics.add(cells, 0, 1);
      yield row;
    }
  };
  return {
    get inTransaction() {
      return connection.inTransaction;
    },
    execute: (sql, params) => connection.execute(sql, params),
    readOnly: (sql) => connection.readOnly(sql),
    close: () => connection.close(),
    iterate(sql, params) {
      const cursor = connection.iterate(sql, params);
      return cursor && { ...cursor, columns: cursor.columns, rows: counted(cursor.rows) };
    },
  };
}
