/**
 * What packages throw while they read an answer: a type parser or a `typeCast` of the user's, or the package over a
 * value that it cannot take.
 */
import type { EventEmitter } from "node:events";
import { ConnectionLost, DataError } from "../../src/errors/classes.js";

/** The value is not repeated: it is someone's data. Whatever was thrown is the cause. */
export function unreadable(error: unknown): DataError {
  if (error instanceof DataError) return error;
  const tooLong = (error as { readonly code?: unknown } | null | undefined)?.code === "ERR_STRING_TOO_LONG";
  const reason = tooLong
    ? "a value is longer than a JavaScript string can be: select it as bytes, or in pieces"
    : "what reads its values threw (a type parser, a typeCast, the package itself)";
  return new DataError(`the statement was run, and its answer could not be read: ${reason}`, {
    cause: error,
  });
}

/** For those behind it on a session that cannot go on. By its `cause` the pool knows that it was no fault of theirs. */
export function spoiled(cause: DataError): ConnectionLost {
  return new ConnectionLost("the connection was given up over an answer that could not be read", { cause });
}

/**
 * What a listener of a socket throws is caught nowhere, and would end the process. To be called when the package
 * listens.
 */
export function guardData(socket: EventEmitter, fault: (error: unknown) => void): void {
  for (const listener of socket.listeners("data") as ((bytes: Buffer) => void)[]) {
    socket.off("data", listener);
    socket.on("data", (bytes: Buffer) => {
      try {
        listener.call(socket, bytes);
      } catch (error) {
        fault(error);
      }
    });
  }
}
