// better-sqlite3 in a thread that dies when it is told: at once, or at its next COMMIT, before or after it.
import { connect as open } from "../../dist/drivers/better-sqlite3/module.js";

export { classify } from "../../dist/drivers/better-sqlite3/module.js";

const ORDER = /'die (now|before commit|after commit)'/;

export function connect(...args) {
  const connection = open(...args);
  let order;
  return {
    get inTransaction() {
      return connection.inTransaction;
    },
    execute(sql, params) {
      const told = ORDER.exec(sql)?.[1];
      if (told === "now") die();
      order = told ?? order;
      return connection.execute(sql, params);
    },
    iterate: (sql, params) => connection.iterate(sql, params),
    readOnly: (sql) => connection.readOnly(sql),
    begin(options) {
      order = undefined;
      connection.begin(options);
    },
    commit() {
      if (order === "before commit") die();
      connection.commit();
      if (order === "after commit") die();
    },
    rollback: () => connection.rollback(),
    close: () => connection.close(),
  };
}

/** Ends the thread, not the process. */
function die() {
  process.exit(3);
}
