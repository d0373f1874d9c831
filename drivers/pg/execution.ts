/** Statements on their way, as pg's client sees them: from the first byte written to the server being ready again. */
import type { FieldDef, Query } from "pg";
import { unreadable } from "../common/unreadable.js";
import type { RowMode, Statement } from "../driver.js";
import { copyRefused } from "./copy/refused.js";
import { type Ended, ended, isServerError } from "./errors.js";
import type { Use } from "./statement-cache.js";
import { rolledBack, wantedToCommit } from "./transaction.js";
import { type GetParser, NO_COLUMNS, Shape } from "./values/rows.js";

/** What of pg's `Connection` a statement needs. */
export interface Wire {
  sendCopyFail(message: string): void;
  sync(): void;
  once(event: "readyForQuery", listener: () => void): unknown;
}

/** What sends executions, and hears of their end. */
export interface Owner {
  readonly getParser: GetParser;
  send(execution: Execution): void;
  /** Before its caller hears of its end; a promise has the caller wait for that. */
  settled(execution: Execution): Promise<void> | undefined;
}

export type RawRow = readonly (string | null)[];

/**
 * One group of messages that ends in one Sync. It settles once: after ReadyForQuery, or when the connection is lost.
 */
export class Execution {
  /** The caller's statement, by whose identity `cancel` finds this. */
  readonly statement: Statement | undefined;
  readonly bytes: Buffer;
  /** Commands of the driver's own that run ahead of the statement in the group. */
  readonly ahead: number;
  /** How it travels; undefined where nothing was asked behind it that its kind would need. */
  use: Use | undefined;
  readonly #observed: boolean;
  readonly #owner: Owner;
  readonly #rowMode: RowMode;
  readonly #settle: (error: unknown, execution: Execution) => void;
  /** Called when it becomes the one that the server works on, or has settled. */
  onHead: (() => void) | undefined;

  /** pg asks for a callback, and gives its own to a query that has none. */
  readonly callback = nothing;
  shape: Shape;
  /** Not `rows`: that is an option to pg, and refused. */
  collected: unknown[] = [];
  /** What the server answered: `"SELECT 3"`. */
  tag = "";
  rowCount = 0;
  completed = 0;
  /** The tags of commands that are neither queries nor writes. */
  notable: string[] | undefined;
  /** What was asked ahead of the statement, and behind it: rows of `Facts`. */
  lookedAhead: readonly unknown[] | undefined;
  lookedBehind: readonly unknown[] | undefined;
  /** It has lowered `extra_float_digits`. */
  lowered = false;
  /** How many of its statements the server has bound to their params: one that it has not bound is not run. */
  bound = 0;
  /** The types of its params, where they were asked for. */
  types: readonly number[] | undefined;
  error: unknown;
  /** The SQLSTATE of the error, where that is the server's answer to this. */
  refusal: string | undefined;
  done = false;
  /** Once it has settled: nothing of the statement itself has been run, and no part of it. */
  unrun = true;
  /** The same: there was more to it than rows, or a count of them. */
  eventful = false;
  /** Several statements, behind which nothing could be asked. */
  readonly isScript: boolean = false;
  /** A cancel of this side's may have hit it. */
  asked = false;
  /** The server refused it since it takes no writes. */
  readOnly = false;
  /** Whether a transaction was open when its answer came. */
  inTransaction = false;

  constructor(
    owner: Owner,
    bytes: Buffer,
    settle: (error: unknown, execution: Execution) => void,
    statement?: Statement,
    use?: Use,
    ahead = 0,
    observed = false,
  ) {
    this.#owner = owner;
    this.bytes = bytes;
    this.#settle = settle;
    this.statement = statement;
    this.#rowMode = statement?.rowMode ?? "array";
    this.use = use;
    this.shape = use?.shape ?? NO_COLUMNS;
    this.ahead = ahead;
    this.#observed = observed;
  }

  get #facts(): Ended {
    const { statement, asked, inTransaction, readOnly } = this;
    return { sql: statement?.sql ?? "", params: statement?.params, asked, inTransaction, readOnly };
  }

  /** How often the statement runs in the group. */
  protected get runs(): number {
    return 1;
  }

  /** What comes now is the answer to what was asked behind it. */
  get #answered(): boolean {
    return this.#observed && this.completed >= this.ahead + this.runs;
  }

  /** Keeps a row of an answer to what was asked beside the statement. */
  protected looked(row: readonly unknown[]): boolean {
    if (this.#answered) this.lookedBehind = row;
    else if (this.completed < this.ahead) this.lookedAhead = row;
    else return false;
    return true;
  }

  takeRows(): unknown[] {
    const rows = this.collected;
    this.collected = [];
    return rows;
  }

  /** Called by pg's client when it has put this in its line of those that wait for answers. */
  submit(): null {
    this.#owner.send(this);
    return null;
  }

  handleRowDescription(message: { readonly fields: FieldDef[] }): void {
    try {
      this.shape = new Shape(message.fields, this.#owner.getParser);
    } catch (error) {
      this.error ??= unreadable(error);
    }
  }

  /** Nothing may be thrown here: it would come out of the socket's event. */
  handleDataRow(message: { readonly fields: RawRow }): void {
    if (this.looked(message.fields) || this.error !== undefined) return;
    try {
      const { shape } = this;
      this.collected.push(
        this.#rowMode === "array" ? shape.array(message.fields) : shape.object(message.fields),
      );
    } catch (error) {
      this.error = unreadable(error);
    }
  }

  handleCommandComplete(message: { readonly text: string }): void {
    if (this.#answered || this.completed++ < this.ahead) return;
    this.note(message.text);
    this.rowCount += countOf(message.text);
  }

  protected note(tag: string): void {
    this.tag = tag;
    if (endsInDigit(tag)) return;
    this.notable ??= [];
    this.notable.push(tag);
  }

  handleEmptyQuery(): void {
    this.completed++;
  }

  handlePortalSuspended(): void {}

  /** The Sync that travelled with the statement is swallowed by COPY: another one ends it. */
  handleCopyInResponse(wire: Wire): void {
    this.error = copyRefused();
    wire.sendCopyFail("not supported");
    wire.sync();
  }

  handleCopyData(_message: { readonly chunk: Buffer }): void {
    this.error ??= copyRefused();
  }

  handleReadyForQuery(): void {
    this.finish();
  }

  /** pg reports the server's error before the server is ready for more; a lost connection is the owner's affair. */
  handleError(error: unknown, wire: Wire): void {
    const refused = isServerError(error);
    if (refused && this.error === undefined) this.refusal = error.code;
    this.error ??= error;
    if (refused) wire.once("readyForQuery", () => this.finish());
    else this.finish();
  }

  finish(): void {
    if (this.done) return;
    this.done = true;
    this.unrun = this.bound <= this.ahead;
    const event = this.error ?? this.notable ?? this.lookedAhead ?? this.lookedBehind;
    this.eventful = this.isScript || event !== undefined;
    const first = this.#owner.settled(this);
    if (this.error !== undefined) this.error = ended(this.error, this.#facts);
    else if (this.tag === "ROLLBACK" && this.statement !== undefined && wantedToCommit(this.statement.sql))
      this.error = rolledBack();
    if (first === undefined) this.#settle(this.error, this);
    else {
      const settle = () => this.#settle(this.error, this);
      first.then(settle, settle);
    }
  }
}

/** A text of the driver's own: what the user has to read values with is not asked. */
export class OwnExecution extends Execution {
  override handleRowDescription(): void {}

  override handleDataRow(message: { readonly fields: RawRow }): void {
    this.collected.push(message.fields);
  }
}

/**
 * In pipeline mode pg's client takes instances of its own Query only; of that class nothing is needed, so its
 * costly constructor is never run.
 */
export function adopt(query: typeof Query): void {
  const parent: object = query.prototype;
  if (Object.getPrototypeOf(Execution.prototype) !== parent)
    Object.setPrototypeOf(Execution.prototype, parent);
}

/** `"INSERT 0 3"` → 3, `"BEGIN"` → 0. */
function countOf(tag: string): number {
  return endsInDigit(tag) ? Number(tag.slice(tag.lastIndexOf(" ") + 1)) : 0;
}

function endsInDigit(tag: string): boolean {
  const last = tag.charCodeAt(tag.length - 1);
  return last >= 0x30 && last <= 0x39;
}

function nothing(): void {}
