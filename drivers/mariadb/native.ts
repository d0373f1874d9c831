/** What of mariadb is used here. Its types leave out half of its callback API, and all of what is inside. */
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { ServerError } from "../mysql-family/errors/server-error.js";

export type Done = (error: ServerError | null | undefined) => void;
export type Answer = (error: ServerError | null | undefined, answer?: unknown, meta?: unknown) => void;

/** What mariadb has heard of the server. */
export interface ServerInfo {
  readonly collation?: { readonly name: string };
  readonly status: number;
  readonly serverCapabilities: bigint;
  /** Once it has greeted. */
  readonly serverVersion?: { readonly raw: string } | undefined;
  isMariaDB(): boolean;
  hasMinVersion(major: number, minor: number, patch: number): boolean;
}

/** A connection of the callback API. */
export interface Native {
  readonly threadId: number | null;
  readonly info: ServerInfo;
  serverVersion(): string;
  connect(callback: Done): void;
  query(options: { sql: string } & RowOptions, callback: Answer): void;
  execute(options: { sql: string } & RowOptions, values: readonly unknown[], callback: Answer): void;
  queryStream(options: { sql: string } & RowOptions): Readable;
  prepare(sql: string, callback: (error: ServerError | null | undefined, prepared: Prepared) => void): void;
  ping(callback: Done): void;
  reset(callback: Done): void;
  end(callback: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  once(event: "newListener", listener: (this: unknown) => void): void;
}

/** How rows come. */
interface RowOptions {
  rowsAsArray: boolean;
  typeCast?: unknown;
}

/** A handle of a prepared statement, of which there may be several. */
export interface Prepared {
  readonly parameterCount: number;
  readonly id: unknown;
  readonly query: string;
  readonly columns: unknown;
  readonly conn?: Internals;
  execute(values: readonly unknown[], options: { rowsAsArray: boolean }, callback: Answer): void;
  executeStream(values: readonly unknown[], options: { rowsAsArray: boolean }): Readable;
  close(): void;
}

/** What is used of the inside of a connection. Another version of mariadb may not have all of it. */
export interface Internals {
  readonly opts?: unknown;
  /** The socket in use: the one above TLS, where there is one. */
  readonly socket: Socket;
  readonly streamIn: { onData(bytes: Buffer): void };
  readonly receiveQueue: { push(command: unknown): unknown };
  /** The statements that it has prepared, and keeps; absent with `prepareCacheLength: 0`. */
  readonly prepareCache?: { reset(): void; toString(): string } | null;
  nextSendCmd(): void;
  addCommand(command: Command, expectsAnswer: boolean): void;
  executeBulkPromise?(
    param: { sql: string; values: readonly (readonly unknown[])[]; opts: { fullResult: false } },
    prepared: {
      readonly id: unknown;
      readonly parameterCount: number;
      readonly columns: unknown;
      close(): void;
    },
    options: unknown,
    resolve: (answer: unknown) => void,
    reject: (error: ServerError) => void,
  ): void;
}

/** What a command of mariadb writes to. */
export interface Output {
  writeBigInt(value: bigint): void;
}

/** COM_STMT_EXECUTE, whose types and values are known when it is written, or COM_STMT_BULK_EXECUTE. */
export interface Command {
  values?: readonly unknown[];
  parametersType?: unknown[];
  sendComStmtExecute?(out: Output, info: unknown): void;
  parameterHeaderFromValue?(): readonly number[];
  checkSameHeader?(): boolean;
  readonly inStream?: EventEmitter;
}

/**
 * mariadb hides its connection behind another; a listener's `this` is the emitter that it was given to. Undefined where
 * this mariadb looks different inside.
 */
export function internalsOf(native: Native): Internals | undefined {
  let inside: Partial<Internals> = {};
  native.once("newListener", function (this: unknown) {
    inside = this as Internals;
  });
  native.on("error", () => {});
  const { streamIn, receiveQueue, nextSendCmd } = inside;
  const known = [streamIn?.onData, receiveQueue?.push, nextSendCmd].every(
    (each) => typeof each === "function",
  );
  return known ? (inside as Internals) : undefined;
}
