/** The errors of the servers and of the packages as those of PEP 249's tree. */
import {
  AdbapiError,
  ConnectionLost,
  DatabaseError,
  type ErrorDetails,
  OperationalError,
  type Outcome,
} from "../../../src/errors/classes.js";
import { hideValues } from "../../../src/redact/redact.js";
import { classOf } from "./classes.js";
import { ER_NET_PACKET_TOO_LARGE, endsSession, isFull, isReadOnlyServer, RETRYABLE } from "./conditions.js";
import { outcomeOf } from "./outcome.js";
import { withoutValues, withoutValuesOf } from "./quoted-values.js";
import type { ServerError } from "./server-error.js";

/** The facts that only one package has: which of its codes tell that the session is gone. */
export interface LossCodes {
  readonly lost: ReadonlySet<string>;
  /** The package found the session closed before it wrote anything. */
  neverSent(error: ServerError): boolean;
}

/** The error of one of the packages as one of the tree's; never throws, and shows no params. */
export function translateWith(codes: LossCodes, error: unknown, sql?: string): AdbapiError {
  if (error instanceof AdbapiError) return error;
  if (!(error instanceof Error)) return new DatabaseError(String(error), { cause: error });
  const fault = error as ServerError;
  hideValues(fault, (message) => withoutValuesOf(fault, message));
  const number = typeof fault.errno === "number" ? fault.errno : 0;
  const details = detailsOf(fault);
  if (number !== ER_NET_PACKET_TOO_LARGE && (endsSession(fault) || codes.lost.has(fault.code ?? ""))) {
    const outcome: Outcome = codes.neverSent(fault) ? "not sent" : "unknown";
    return new ConnectionLost(`the connection was lost: ${messageOf(fault)}`, { ...details, outcome });
  }
  const errorClass = classOf(fault) ?? (number > 0 ? OperationalError : DatabaseError);
  const outcome = outcomeOf(fault, sql);
  const refused = isReadOnlyServer(fault) && outcome === "not applied";
  return new errorClass(messageOf(fault) + (isFull(fault) ? FULL_ADVICE : ""), {
    ...details,
    retryable: refused || RETRYABLE.has(number),
    outcome,
  });
}

const FULL_ADVICE =
  "; raise it at the server, or have each session keep fewer (maxPreparedStatements of mysql2, prepareCacheLength of mariadb)";

/** The socket has ended without a word; `cause` is how a package says that. */
export function hungUp(cause?: unknown): ConnectionLost {
  const { code, sqlState } = (cause ?? {}) as ServerError;
  return new ConnectionLost("the connection was lost: the server, or what stands before it, closed it", {
    code: code ?? "PROTOCOL_CONNECTION_LOST",
    sqlState: sqlState ?? "08S01",
    ...(cause === undefined ? {} : { cause }),
  });
}

export function detailsOf(fault: ServerError): ErrorDetails {
  return {
    cause: fault,
    code: fault.code ?? undefined,
    sqlState: fault.sqlState === "" || fault.sqlState === null ? undefined : fault.sqlState,
    sql: typeof fault.sql === "string" ? fault.sql : undefined,
  };
}

/** mariadb puts the session, the number and the statement around what the server said. */
export function messageOf(fault: ServerError): string {
  const said = fault.sqlMessage ?? fault.message;
  return withoutValues(said === "" ? (fault.code ?? fault.name) : said, Number(fault.errno));
}
