/**
 * mariadb reads answers inside of its socket's event, outside of any promise: what is thrown there ends the process.
 * Where that is prevented, its queue of commands stands still for ever.
 */
import { unreadable } from "../common/unreadable.js";
import type { Internals } from "./native.js";

type Fault = (error: unknown) => void;

/**
 * To be called before mariadb has its socket. A row that cannot be read fails its statement alone, anything else is
 * told to `fault`.
 */
export function guard(inside: Internals, fault: Fault): void {
  const { streamIn, receiveQueue, nextSendCmd } = inside;
  const { push } = receiveQueue;
  const { onData } = streamIn;
  streamIn.onData = (bytes) => attempt(fault, () => onData.call(streamIn, bytes));
  inside.nextSendCmd = () => attempt(fault, () => nextSendCmd.call(inside));
  receiveQueue.push = (command) => {
    if ((command as Partial<Reader>).setParser !== undefined) (command as Reader).setParser = setParser;
    return push.call(receiveQueue, command);
  };
}

function attempt(fault: Fault, work: () => void): void {
  try {
    work();
  } catch (error) {
    fault(error);
  }
}

/** A command that reads rows, inside. */
interface Reader {
  /** Called once the columns are known: chooses how rows are read. */
  setParser(): void;
  parseRow(packet: unknown): unknown;
  /** What mariadb has chosen. */
  chosen?(packet: unknown): unknown;
  /** Those of the call, and whether a result set has come before. */
  readonly opts: { readonly firstSet?: boolean };
  begun?: true;
  handleNewRows(row: unknown): void;
  /** All of the answer has come. */
  successEnd(value: unknown): void;
  throwError(error: Error, info: unknown): void;
}

function setParser(this: Reader): void {
  if (this.begun && this.opts.firstSet) {
    this.parseRow = unread;
    return;
  }
  this.begun = true;
  try {
    (Object.getPrototypeOf(this) as Reader).setParser.call(this);
    this.chosen = this.parseRow;
  } catch (error) {
    this.chosen = () => {
      throw error;
    };
  }
  this.parseRow = parseRow;
}

/** The first that cannot be read is the last that is; the answer is read to its end all the same. */
function parseRow(this: Reader, packet: unknown): unknown {
  try {
    return this.chosen!(packet);
  } catch (error) {
    const fault = unreadable(error);
    this.chosen = nothing;
    this.successEnd = () => this.throwError(fault, undefined);
    this.handleNewRows = nothing;
    // Among the rows of a stream an error stands for itself.
    return [fault];
  }
}

function nothing(): void {}

/** A row that is dropped fails nothing. */
function unread(): unknown {
  return [];
}
