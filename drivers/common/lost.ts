import { type AdbapiError, ConnectionLost } from "../../src/errors/classes.js";

/**
 * The answer to what is asked of a session that has ended, with the reason of its end, where there is one: this side
 * may have closed it.
 */
export function endedBefore(reason: AdbapiError | undefined): ConnectionLost {
  if (reason === undefined) return new ConnectionLost("the connection is closed", { outcome: "not sent" });
  const { message, code, sqlState, cause = reason } = reason;
  const why = message.replace(/^the connection was lost: /, "");
  return new ConnectionLost(`the connection had ended before this was sent: ${why}`, {
    code,
    sqlState,
    cause,
    outcome: "not sent",
  });
}
