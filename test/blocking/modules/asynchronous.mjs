// What nobody in a thread waits for: a connect, or a statement, that gives a promise.
export function connect(what) {
  if (what === "connect") return Promise.reject(new Error("unheard"));
  if (what === "nothing") return undefined;
  return {
    inTransaction: false,
    execute: async () => {
      throw new Error("unheard");
    },
    close() {},
  };
}
