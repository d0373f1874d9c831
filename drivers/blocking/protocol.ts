/**
 * What travels between the threads. A message to the worker is a list of requests, a message from it a list of
 * answers in the same order, so nothing needs a number. Tuples, because their keys are not cloned with them.
 */
import type { MessagePort } from "node:worker_threads";
import type { Params, TransactionOptions } from "../driver.js";
import type { WireError } from "./errors.js";
import type { WireRows } from "./wire.js";

export type Int64 = "driver" | "bigint" | "string" | "number";

export interface Setup {
  /** Where requests come, for Deno's `parentPort` is none that `receiveMessageOnPort` reads; answers go by that. */
  readonly port: MessagePort;
  readonly module: string;
  readonly args: readonly unknown[];
  readonly int64: Int64;
  readonly maxResultBytes: number | undefined;
  readonly cells: Int32Array;
  /** Shared by all threads of the driver: see `SpinWait`. */
  readonly lastAsked: Int32Array;
}

/** Its slot among the cells, set when it is sent, and whether it belongs to a transaction that the pool asked for. */
type Header = [slot: number, transaction: boolean];

export type Request =
  | ["execute", ...Header, sql: string, params: Params | undefined]
  /** As `execute`, but only what can write nothing is run. */
  | ["read", ...Header, sql: string, params: Params | undefined]
  | ["many", ...Header, sql: string, listOfParams: readonly Params[]]
  | ["script", ...Header, sql: string]
  | ["begin", ...Header, options: TransactionOptions]
  | ["commit", ...Header]
  | ["rollback", ...Header]
  | ["reset", ...Header]
  | ["open", ...Header, sql: string, params: Params | undefined, batch: number]
  | ["next", ...Header, batch: number]
  | ["end", ...Header];

/**
 * Executions of one text that were asked for one after the other, in slots that follow each other: all with as many
 * params, or all without.
 */
export type Executions = [
  "executions",
  ...Header,
  sql: string,
  count: number,
  /** Those of the first, then those of the second, … */
  values: unknown[] | undefined,
];

export type Requests = readonly (Request | Executions)[];

/** Ends the thread in order, once everything before it has been answered. */
export type Goodbye = "close";

/** Lists of columns have numbers, which are given out again in turn; the names travel the first time only. */
export type WireColumns = readonly [id: number, names?: readonly string[]];

export type Answer =
  | readonly [
      kind: "result",
      open: boolean,
      columns: WireColumns | undefined,
      rows: WireRows | undefined,
      rowCount: number,
      lastInsertId: number | bigint | undefined,
      readOnly: boolean | undefined,
      /** Of a stream: whether there may be more rows. */
      more?: boolean,
    ]
  /** The rows of successive queries with the same columns, as one table, and how many belong to each. */
  | readonly [
      kind: "results",
      open: boolean,
      columns: WireColumns,
      rows: WireRows,
      counts: readonly number[],
      readOnly: boolean | undefined,
    ]
  | readonly [kind: "done", open: boolean]
  /** It may write, and was not run. */
  | readonly [kind: "unrun", open: boolean]
  | readonly [kind: "error", open: boolean, error: WireError]
  /**
   * A slice of a large result, whose answer follows; after a few the worker waits until the pool's thread took some.
   */
  | readonly [kind: "part", columns: WireColumns, rows: WireRows];

/** From the worker, before any list of answers. */
export type Greeting = { readonly ready: true } | { readonly failed: WireError };

/** How many lists of columns both sides remember. */
export const COLUMNS_REMEMBERED = 256;
