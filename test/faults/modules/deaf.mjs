// A database whose statements, if they say so, are deaf until the gate is opened: nothing stops them.
export function connect(gate) {
  const [OPEN, DEAF] = [0, 1];
  const cells = new Int32Array(gate);
  let inTransaction = false;
  return {
    get inTransaction() {
      return inTransaction;
    },
    readOnly: (sql) => sql.startsWith("select"),
    execute(sql) {
      if (sql.endsWith("deaf")) {
        Atomics.add(cells, DEAF, 1);
        Atomics.wait(cells, OPEN, 0);
      }
      return { columns: ["did"], rows: [[sql]], rowCount: 1 };
    },
    begin() {
      inTransaction = true;
    },
    commit() {
      inTransaction = false;
    },
    rollback() {
      inTransaction = false;
    },
    close() {},
  };
}
