/** What this side knows of the transaction in the thread. */
import type { Request } from "../protocol.js";

/**
 * The thread refuses statements that were sent while this was not `"none"`, if the transaction ended before their
 * turn.
 */
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
    // In the pool's transaction its statements are that one's, or refused; else it may leave one of its own open.
    case "script":
      return open ? (before === "none" ? "open" : before) : "none";
    case "reset":
      return "none";
    default:
      // Ended by the statement itself: the pool sees that by `state`, and sends neither commit nor rollback.
      return before === "open" && !open ? "none" : before;
  }
}
