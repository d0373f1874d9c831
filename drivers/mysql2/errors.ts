/** mysql2's own errors; the server's are in `drivers/mysql-family/errors.ts`. */
import type { AdbapiError } from "../../src/errors.js";
import { type LossCodes, translateWith } from "../mysql-family/errors.js";

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

export const translate = (error: unknown): AdbapiError => translateWith(losses, error);
