/** What this side knows of the transaction in the thread. */
import type { Request } from "../protocol.js";

/** Statements that leave while it is not `"none"` are refused by the thread, should it have ended before their turn. */
export type Transaction = "none" | "asked" | "open";

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
      // Ended by the statement itself: the pool sees it by the state, and says neither commit nor rollback.
      return before === "open" && !open ? "none" : before;
  }
}
