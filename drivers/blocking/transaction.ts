/** What this side knows of the transaction in the thread. */
import type { Request } from "./protocol.js";

/** `"ended"`: the database ended it under the pool, which has still to say commit or rollback. */
export type Transaction = "none" | "asked" | "open" | "ended";

/** `open` is what the thread saw after the request. */
export function transactionAfter(
  before: Transaction,
  kind: Request[0],
  failed: boolean,
  open: boolean,
): Transaction {
  switch (kind) {
    case "begin":
      return failed ? "none" : "open";
    case "commit":
    case "rollback":
      return open ? "open" : "none";
    case "reset":
      return "none";
    default:
      return before === "open" && !open ? "ended" : before;
  }
}
