/** The worker's answers on their way out: those of one message travel as one message. */
import type { MessagePort } from "node:worker_threads";
import type { Cells } from "../cells.js";
import { type Classify, StatementCancelled, toWire } from "../errors.js";
import type { BlockingResult } from "../module.js";
import { type Answer, COLUMNS_REMEMBERED, type WireColumns } from "../protocol.js";
import { encodeRows, sliceOf } from "../wire.js";

/** What became of a request. */
export type Settled =
  | { readonly result: BlockingResult; readonly readOnly: boolean | undefined; readonly more?: boolean }
  | { readonly error: unknown }
  | "done"
  | "unrun";

interface Table {
  readonly columns: readonly string[];
  readonly open: boolean;
  readonly readOnly: boolean | undefined;
  readonly rows: unknown[][];
  readonly counts: number[];
}

/** A result of more rows than this is a table of its own. */
const TABLE_ROWS = 64;

export class Outbox {
  readonly #port: MessagePort;
  readonly #cells: Cells;
  readonly #classify: Classify | undefined;
  #answers: Answer[] = [];
  /** Small results of successive requests, which travel as one table. */
  #table: Table | undefined;
  #moved: ArrayBuffer[] = [];
  /** How full a slice would be with the rows that wait in `#answers`. */
  #filled = 0;
  readonly #named = new Map<readonly string[], number>();
  readonly #ring: (readonly string[])[] = [];
  #next = 0;

  constructor(port: MessagePort, cells: Cells, classify: Classify | undefined) {
    this.#port = port;
    this.#cells = cells;
    this.#classify = classify;
  }

  /** `slot` is the request's: when it is cancelled while its rows travel, the rest of them is not sent. */
  add(settled: Settled, open: boolean, slot: number): void {
    if (typeof settled !== "string" && "result" in settled && this.#addToTable(settled, open)) return;
    this.#endTable();
    if (typeof settled === "string") this.#answers.push([settled, open]);
    else if ("error" in settled) this.#answers.push(["error", open, toWire(settled.error, this.#classify)]);
    else this.#addResult(settled.result, open, slot, settled.readOnly, settled.more);
    if (this.#filled >= 1) this.flush();
  }

  /** Sends rows of a result ahead of its answer, and waits for room for them; false when the request was cancelled. */
  sendPart(columns: readonly string[], rows: unknown[][], slot: number): boolean {
    this.flush();
    if (!this.#cells.roomForPart() || this.#cells.cancelled(slot)) return false;
    this.#cells.partSent();
    const moved: ArrayBuffer[] = [];
    const part = encodeRows(rows, columns.length, moved);
    const message: Answer[] = [["part", this.#name(columns), part]];
    this.#port.postMessage(message, moved);
    return true;
  }

  flush(): void {
    this.#endTable();
    if (this.#answers.length === 0) return;
    this.#port.postMessage(this.#answers, this.#moved);
    this.#answers = [];
    this.#moved = [];
    this.#filled = 0;
  }

  #addToTable({ result, readOnly, more }: Extract<Settled, { result: unknown }>, open: boolean): boolean {
    const { columns, rows, rowCount, lastInsertId } = result;
    const fits =
      columns.length > 0 &&
      rows.length <= TABLE_ROWS &&
      rowCount === rows.length &&
      lastInsertId === undefined;
    if (!fits || more !== undefined) return false;
    const same =
      this.#table?.columns === columns && this.#table.open === open && this.#table.readOnly === readOnly;
    if (!same) {
      this.#endTable();
      this.#table = { columns, open, readOnly, rows: [], counts: [] };
    }
    const table = this.#table!;
    for (const row of rows) table.rows.push(row);
    table.counts.push(rows.length);
    this.#filled += rows.length / sliceOf(columns.length);
    if (this.#filled >= 1) this.flush();
    return true;
  }

  #endTable(): void {
    if (this.#table === undefined) return;
    const { columns, open, readOnly, rows, counts } = this.#table;
    this.#table = undefined;
    const wire = encodeRows(rows, columns.length, this.#moved);
    this.#answers.push(["results", open, this.#name(columns), wire, counts, readOnly]);
  }

  #addResult(
    result: BlockingResult,
    open: boolean,
    slot: number,
    readOnly: boolean | undefined,
    more?: boolean,
  ): void {
    const { columns, rowCount, lastInsertId } = result;
    if (columns.length === 0) {
      this.#answers.push(["result", open, undefined, undefined, rowCount, lastInsertId, readOnly]);
      return;
    }
    const rows = this.#sendParts(result, slot);
    if (rows === undefined) {
      this.#answers.push(["error", open, toWire(new StatementCancelled())]);
      return;
    }
    const wire = encodeRows(rows, columns.length, this.#moved);
    const name = this.#name(columns);
    this.#answers.push(
      more === undefined
        ? ["result", open, name, wire, rowCount, lastInsertId, readOnly]
        : ["result", open, name, wire, rowCount, lastInsertId, readOnly, more],
    );
    this.#filled += rows.length / sliceOf(columns.length);
  }

  /** Sends all of a large result but its last rows, which it gives back; undefined when the request was cancelled. */
  #sendParts({ columns, rows }: BlockingResult, slot: number): unknown[][] | undefined {
    const slice = sliceOf(columns.length);
    if (rows.length <= slice) return rows;
    let start = 0;
    for (; start + slice < rows.length; start += slice) {
      if (!this.sendPart(columns, rows.slice(start, start + slice), slot)) return undefined;
    }
    return rows.slice(start);
  }

  #name(columns: readonly string[]): WireColumns {
    const known = this.#named.get(columns);
    if (known !== undefined) return [known];
    const id = this.#next;
    this.#next = (id + 1) % COLUMNS_REMEMBERED;
    const forgotten = this.#ring[id];
    if (forgotten !== undefined) this.#named.delete(forgotten);
    this.#ring[id] = columns;
    this.#named.set(columns, id);
    return [id, columns];
  }
}
