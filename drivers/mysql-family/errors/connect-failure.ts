/** The errors of a connect that failed. */
import { AdbapiError, InterfaceError, OperationalError } from "../../../src/errors/classes.js";
import type { ServerError } from "./server-error.js";
import { detailsOf, messageOf } from "./translate.js";

/** A connect that failed, whatever the reason: `where` never holds the password. */
export function connectFailure(where: string, error: unknown): AdbapiError {
  if (error instanceof AdbapiError) return error;
  const fault = error instanceof Error ? (error as ServerError) : undefined;
  const reason = fault === undefined ? String(error) : messageOf(fault);
  return new OperationalError(`cannot connect to ${where}: ${reason}`, {
    ...(fault === undefined ? {} : detailsOf(fault)),
    cause: error,
  });
}

/**
 * What a package threw at once, before it opened anything: its arguments are of the right types, and yet it refuses
 * one.
 */
export function refusedArguments(driver: string, error: unknown): unknown {
  if (!(error instanceof TypeError || error instanceof RangeError)) return error;
  return new InterfaceError(`${driver} refuses its connect arguments: ${error.message}`, { cause: error });
}

/** `host:port`, or the path of the socket. */
export function whereOf(args: { host?: unknown; port?: unknown; socketPath?: unknown }): string {
  return String(args.socketPath ?? `${args.host ?? "localhost"}:${args.port ?? 3306}`);
}
