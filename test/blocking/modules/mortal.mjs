// A database that dies in the ways that a thread can.
export function connect(how) {
  if (how === "refuse") throw Object.assign(new Error("the door is shut"), { name: "OperationalError" });
  if (how === "exit") process.exit(3);
  return {
    inTransaction: false,
    execute(sql, params) {
      switch (sql) {
        case "exit":
          return process.exit(3);
        case "exit later":
          setTimeout(() => process.exit(3), 10);
          return { columns: [], rows: [], rowCount: 0 };
        case "throw later":
          setTimeout(() => {
            throw new Error("thrown in the thread");
          }, 10);
          return { columns: [], rows: [], rowCount: 0 };
        case "be stuck":
          // `how` is shared memory: how many are stuck, and what lets them go.
          Atomics.add(how, 0, 1);
          Atomics.wait(how, 1, 0);
          return { columns: [], rows: [], rowCount: 0 };
        case "eat memory":
          for (const eaten = []; ; ) eaten.push(new Array(100_000).fill(eaten.length));
        case "fail":
          throw Object.assign(new Error("as asked"), { name: "DataError", code: "E42" });
        case "unknown failure":
          throw new RangeError("who knows");
        default:
          return { columns: ["said"], rows: [[params?.[0] ?? sql]], rowCount: 1 };
      }
    },
    close() {},
  };
}
