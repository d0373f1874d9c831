/** mysql2's own errors; the server's are in `drivers/mysql-family/errors/`. */
import type { AdbapiError } from "../../src/errors/classes.js";
import { type LossCodes, translateWith } from "../mysql-family/errors/translate.js";

const losses: LossCodes = {
  lost: new Set([
    ...["PROTOCOL_CONNECTION_LOST", "PROTOCOL_UNEXPECTED_PACKET", "PROTOCOL_ERROR"],
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
  // The one error of mysql2 that tells so, and the one without a code.
  neverSent: (error) => !error.code && error.message.includes("connection is in closed state"),
};

/**
 * What servers say when they end a session. Said unasked, mysql2 gives the number in the place of the name; and it does
 * not know MariaDB's.
 */
const LAST_WORDS: Readonly<Record<number, string>> = {
  1053: "ER_SERVER_SHUTDOWN",
  1927: "ER_CONNECTION_KILLED",
  4031: "ER_CLIENT_INTERACTION_TIMEOUT",
};

/** The error as those of statements are: its name as `code`, its number as `errno`. */
export function named(error: unknown): unknown {
  const fault = error as { code?: unknown; errno?: unknown } | null | undefined;
  const number = typeof fault?.code === "number" ? fault.code : fault?.errno;
  if (fault && typeof number === "number" && typeof fault.code !== "string") {
    fault.errno = number;
    fault.code = LAST_WORDS[number];
  }
  return error;
}

export const translate = (error: unknown, sql?: string): AdbapiError =>
  translateWith(losses, named(error), sql);
