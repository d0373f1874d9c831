// A database that does nothing, and notes what is asked of it: its commits last as long as its first argument says, in milliseconds.
let inTransaction = false;
let commits = 0;

export function connect(commitMillis = 0) {
  const rows = (...values) => ({ columns: ["v"], rows: values.map((v) => [v]), rowCount: values.length });
  return {
    get inTransaction() {
      return inTransaction;
    },
    execute(sql) {
      if (sql === "select commits") return rows(commits);
      if (sql.startsWith("select")) return rows(1);
      return { columns: [], rows: [], rowCount: 1 };
    },
    readOnly: (sql) => sql.startsWith("select"),
    begin() {
      inTransaction = true;
    },
    commit() {
      const until = performance.now() + commitMillis;
      while (performance.now() < until);
      inTransaction = false;
      commits++;
    },
    rollback() {
      inTransaction = false;
    },
    close() {},
  };
}
