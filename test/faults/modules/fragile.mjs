// A database in a thread that ends in the ways that a thread can.
export function connect(how) {
  if (how === "hang") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  let inTransaction = false;
  return {
    get inTransaction() {
      return inTransaction;
    },
    execute(text) {
      const sql = text.replace("select ", "");
      if (sql === "exit") process.exit(3);
      if (sql === "exit soon") setTimeout(() => process.exit(3), 20);
      if (sql === "throw soon")
        setTimeout(() => {
          throw new Error("thrown in the thread");
        }, 20);
      if (sql === "eat memory") for (const eaten = []; ; ) eaten.push(new Array(100_000).fill(eaten.length));
      return { columns: ["said"], rows: [[sql]], rowCount: 1 };
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
