// A database that does nothing, and notes what is asked of it: its commits last as long as its first argument says, in
// milliseconds. `insert bad` fails, `insert late` cannot be committed, `insert slow` takes 4 ms.
let inTransaction = false;
let late = false;
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
      if (sql === "insert bad") throw new Error("bad, as asked");
      if (sql === "insert late") late = true;
      if (sql === "insert slow") spend(4);
      return { columns: [], rows: [], rowCount: 1 };
    },
    readOnly: (sql) => sql.startsWith("select"),
    begin() {
      inTransaction = true;
      late = false;
    },
    commit() {
      if (late) throw new Error("late, as asked");
      spend(commitMillis);
      inTransaction = false;
      commits++;
    },
    rollback() {
      inTransaction = false;
    },
    close() {},
  };
}

function spend(millis) {
  const until = performance.now() + millis;
  while (performance.now() < until);
}
