// A module of SQLite whose thread fails or dies when a statement orders it: `select 'die now'`, and the others below.

const ORDER = /'((?:die|fail) [a-z ]+|throw soon|eat memory)'/;

/** Takes `connect` of the real one; what it gives is that, obedient. */
export function mortal(open) {
  return (...args) => {
    const connection = open(...args);
    let order;
    /** The order to be obeyed at this moment, which is then over. */
    const at = (moment) => {
      if (order === undefined || !order.endsWith(moment)) return;
      const [verb] = order.split(" ");
      order = undefined;
      if (verb === "die") process.exit(3); // the thread, not the process
      throw Object.assign(new Error(`failed ${moment}, as ordered`), { name: "OperationalError" });
    };
    return {
      get inTransaction() {
        return connection.inTransaction;
      },
      execute(sql, params) {
        order = ORDER.exec(sql)?.[1] ?? order;
        at("now");
        if (order === "die soon") setTimeout(() => process.exit(3), 10);
        if (order === "throw soon") {
          setTimeout(() => {
            throw new Error("thrown in the thread");
          }, 10);
        }
        if (order === "eat memory")
          for (const eaten = []; ; ) eaten.push(new Array(100_000).fill(eaten.length));
        const result = connection.execute(sql, params);
        at("after it");
        return result;
      },
      iterate: (sql, params) => (ORDER.test(sql) ? undefined : connection.iterate(sql, params)),
      readOnly: (sql) => connection.readOnly(sql),
      begin(options) {
        at("at begin");
        order = undefined; // of a transaction that is over
        connection.begin(options);
      },
      commit() {
        at("before commit");
        connection.commit();
        at("after commit");
      },
      rollback() {
        at("at rollback");
        connection.rollback();
      },
      close: () => connection.close(),
    };
  };
}
