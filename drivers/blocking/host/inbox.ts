/** Takes the worker's answers in order, and makes their rows, a bounded number in each turn of the event loop. */

import { clearImmediate, setImmediate } from "../../../src/timeouts/turn.js";
import type { Column, RowMode } from "../../driver.js";
import type { Cells } from "../cells.js";
import type { Answer, WireColumns } from "../protocol.js";
import { decodeRows, sliceOf, type WireRows, WireTable } from "../wire.js";

/** Slices made in one turn: they take about two milliseconds. */
const TURN = 2;

interface Shape {
  readonly columns: readonly Column[];
  readonly names: readonly string[];
}

/** An answer with its rows made. */
export type Received =
  | {
      readonly kind: "result";
      readonly open: boolean;
      readonly rows: unknown[];
      readonly columns: readonly Column[];
      readonly rowCount: number;
      readonly lastInsertId: number | bigint | undefined;
      readonly readOnly: boolean | undefined;
      readonly more: boolean;
    }
  | Extract<Answer, readonly ["done" | "unrun" | "error", ...unknown[]]>;

export interface Receiver {
  /** The form that the rows of the next answer must have. */
  rowMode(): RowMode;
  receive(received: Received): void;
}

const NO_COLUMNS: readonly Column[] = Object.freeze([]);

export class Inbox {
  readonly #receiver: Receiver;
  readonly #cells: Cells;
  readonly #shapes: Shape[] = [];
  #waiting: Answer[] = [];
  /** Rows of slices that came before their answer. */
  #rows: unknown[] = [];
  /** How many slices were made in this turn, and how many parts were among them. */
  #made = 0;
  #parts = 0;
  #turn: NodeJS.Immediate | undefined;

  constructor(receiver: Receiver, cells: Cells) {
    this.#receiver = receiver;
    this.#cells = cells;
  }

  /** Answers have come whose rows are still to be made. */
  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  take(answers: readonly Answer[]): void {
    for (let at = 0; at < answers.length; at++) {
      if (this.#made >= TURN || this.#waiting.length > 0) {
        this.#waiting.push(...answers.slice(at));
        return;
      }
      this.#handle(answers[at]!);
    }
  }

  /** Drops what has not been handed to the receiver. */
  close(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#waiting = [];
    this.#rows = [];
  }

  #handle(answer: Answer): void {
    switch (answer[0]) {
      case "part": {
        const [, columns, wire] = answer;
        const shape = this.#shape(columns);
        const rows = this.#make(shape, wire);
        for (const row of rows) this.#rows.push(row);
        this.#parts++;
        // Also of a few rows: the worker waits until its part is reported as taken, which the next turn does.
        if (Array.isArray(wire)) this.#spend(rows.length, shape);
        return;
      }
      case "result": {
        const [kind, open, columns, wire, rowCount, lastInsertId, readOnly, more = false] = answer;
        const shape = columns && this.#shape(columns);
        const rows = shape && wire ? this.#joined(this.#make(shape, wire)) : [];
        this.#receiver.receive({
          kind,
          open,
          rows,
          columns: shape?.columns ?? NO_COLUMNS,
          rowCount,
          lastInsertId,
          readOnly,
          more,
        });
        return;
      }
      case "results": {
        const [, open, columns, wire, counts, readOnly] = answer;
        const shape = this.#shape(columns);
        const table = new WireTable(wire, shape.names);
        if (!Array.isArray(wire)) this.#spend(table.count, shape);
        for (const count of counts) {
          const rows = table.take(count, this.#receiver.rowMode());
          this.#receiver.receive({
            kind: "result",
            open,
            rows,
            columns: shape.columns,
            rowCount: count,
            lastInsertId: undefined,
            readOnly,
            more: false,
          });
        }
        return;
      }
      default:
        this.#rows = [];
        this.#receiver.receive(answer);
    }
  }

  #shape([id, names]: WireColumns): Shape {
    if (names !== undefined)
      this.#shapes[id] = { names, columns: Object.freeze(names.map((name) => ({ name }))) };
    return this.#shapes[id]!;
  }

  #make(shape: Shape, wire: WireRows): unknown[] {
    const rows = decodeRows(wire, shape.names, this.#receiver.rowMode());
    if (!Array.isArray(wire)) this.#spend(rows.length, shape);
    return rows;
  }

  #joined(last: unknown[]): unknown[] {
    if (this.#rows.length === 0) return last;
    const rows = this.#rows;
    this.#rows = [];
    for (const row of last) rows.push(row);
    return rows;
  }

  #spend(rows: number, { names }: Shape): void {
    this.#made += rows / sliceOf(names.length);
    this.#turn ??= setImmediate(this.#nextTurn);
  }

  readonly #nextTurn = (): void => {
    this.#turn = undefined;
    this.#made = 0;
    for (; this.#parts > 0; this.#parts--) this.#cells.partTaken();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.take(waiting);
  };
}
