/** mariadb's own errors; the server's are in `drivers/mysql-family/errors/`. */
import { AdbapiError, DataError } from "../../src/errors/classes.js";
import type { ServerError } from "../mysql-family/errors/server-error.js";
import { hungUp, type LossCodes, translateWith } from "../mysql-family/errors/translate.js";

/** An integer is beyond 2^53, and a number was asked for. */
const ER_PARSING_PRECISION = 45050;

const losses: LossCodes = {
  lost: new Set([
    ...["ER_CONNECTION_ALREADY_CLOSED", "ER_CMD_NOT_EXECUTED_DESTROYED", "ER_SOCKET_UNEXPECTED_CLOSE"],
    ...[
      "ER_UNEXPECTED_PACKET",
      "ER_CMD_CONNECTION_CLOSED",
      "ER_SOCKET",
      "ER_SOCKET_TIMEOUT",
      "ER_PING_TIMEOUT",
    ],
    ...[
      "ECONNRESET",
      "EPIPE",
      "ETIMEDOUT",
      "ECONNABORTED",
      "EHOSTUNREACH",
      "ENETUNREACH",
      "ERR_STREAM_DESTROYED",
    ],
  ]),
  neverSent: (error) => error.code === "ER_CMD_CONNECTION_CLOSED",
};

export function translate(error: unknown, sql?: string): AdbapiError {
  // One that this driver has made names the package's code too.
  if (error instanceof AdbapiError) return error;
  const fault = error as ServerError | undefined;
  if (fault?.errno === ER_PARSING_PRECISION) {
    const advice = 'ask for it with int64: "bigint" or "string"';
    return new DataError(`${fault.sqlMessage}: ${advice}`, { cause: error, code: fault.code ?? undefined });
  }
  return translateWith(losses, fault?.code === "ER_SOCKET_UNEXPECTED_CLOSE" ? hungUp(error) : error, sql);
}
