/**
 * What mysql2 does with an answer that cannot be read: the error of a row is to it the end of the answer, and what else
 * comes of that is taken for the answer to the next. Anything else that is thrown ends the session, and the process
 * where it is no Error.
 */

import { unreadable } from "../common/unreadable.js";
import { ofCharset } from "../mysql-family/arguments/charset.js";
import type { Native } from "./native.js";

/** What is used of the inside of a command that reads rows. */
interface Reader {
  onResult?: ((error: unknown, ...answer: unknown[]) => void) | undefined;
  _rowParser: unknown;
  _localStreamError: unknown;
  /** Of each answer so far the columns, where it has any; the last is that of this index. */
  readonly _fields: readonly unknown[];
  readonly _resultIndex: number;
  /** Reads the next packet of rows. */
  readonly row: unknown;
  doneInsert(header: unknown): unknown;
  emit(event: "error", error: unknown): boolean;
}

/** The answer is read to its end all the same, and then the error is its answer. */
export function guardRows(command: unknown): void {
  (command as Reader).doneInsert = doneInsert;
}

/** mysql2 calls it with null for a row that it could not read. */
function doneInsert(this: Reader, header: unknown): unknown {
  if (header !== null) return (Object.getPrototypeOf(this) as Reader).doneInsert.call(this, header);
  const fault = unreadable(this._localStreamError);
  this._localStreamError = undefined;
  this._rowParser = NO_PARSER;
  // The rows of later sets are dropped, and fail nothing.
  if (this._fields.findIndex(Array.isArray) < this._resultIndex) return this.row;
  const give = this.onResult;
  if (give === undefined) this.emit("error", fault);
  else this.onResult = (error) => give(error ?? fault);
  return this.row;
}

const NO_PARSER = { next: () => undefined };

interface Internals {
  _handleFatalError(error: unknown): void;
}

/**
 * What mysql2 catches, or lets pass, outside of rows: `fault` hears of it before the statements that wait for answers.
 */
export function guardSession(native: Native, fault: (error: unknown) => void): void {
  const inside = native as unknown as Internals;
  const handle = inside._handleFatalError;
  inside._handleFatalError = (error) => {
    if (isThrown(error)) fault(error);
    // It writes into the error.
    handle.call(native, error instanceof Error && Object.isExtensible(error) ? error : unreadable(error));
  };
}

/** Not of a socket: those are plain errors with a code. */
function isThrown(error: unknown): boolean {
  return (
    !(error instanceof Error) ||
    ofCharset(error) !== error ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof SyntaxError
  );
}
