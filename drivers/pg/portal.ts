/** The portal that a stream reads from: one group of messages that stays open between batches. */
import type { FieldDef } from "pg";
import { NotSupportedError } from "../../src/errors/classes.js";
import type { Statement } from "../driver.js";
import { copyRefused } from "./copy/refused.js";
import { isServerError } from "./errors.js";
import { Execution, type Owner, type RawRow, type Wire } from "./execution.js";
import { endOfPortal } from "./message-group.js";
import { type Asks, NOTHING } from "./names/names.js";
import type { Use } from "./statement-cache.js";
import type { MadeTypes, TextRows } from "./values/made-types.js";
import * as wire from "./wire.js";

/** What a stream needs of its connection. */
export interface StreamOwner extends Owner {
  readonly types: MadeTypes;
  submit(execution: Execution): void;
  write(bytes: Buffer): void;
  /** Gives the session up: what is in flight fails. */
  destroy(): void;
  /** Rejects when a param would be stored as something else. */
  checkParams(statement: Statement): Promise<void> | undefined;
  /** Rows of text for a question of the driver's own. */
  ask(sql: string): Promise<TextRows>;
  /** Whether a transaction is open, in which a portal outlives Sync. */
  readonly transacting: boolean;
  /** How a text travels that is not to have a name. */
  useOf(sql: string): Use;
  /** What is to be asked beside it: a view may move what the names of others stand on, as a trigger may. */
  asks(use: Use): Asks;
  /** How often the server has said something beside its answers. */
  readonly asides: number;
}

/**
 * A server says the columns of a result together with its first rows. Where they came alone, something in between lets
 * the rest through only once there is a Sync: pgpool-II does so. Inside of a transaction that can be sent; outside of
 * one it would end the stream.
 */
const SYNC_AFTER_MILLIS = 500;
const REFUSED_AFTER_MILLIS = 5_000;

/**
 * The portal is the unnamed one, and it lives until Sync, so a stream is one group of messages however long it takes,
 * inside of a transaction and outside alike.
 */
export class Portal extends Execution {
  readonly #owner: StreamOwner;
  /** Ends the waits for the next batch. */
  #waiting: (() => void) | undefined;
  #state: "fetching" | "suspended" | "asking" | "synced" | "ending" = "fetching";
  #held: NodeJS.Timeout | undefined;
  /** It has been synced, and there are more rows. */
  more = false;
  #unwanted = false;
  /** The answer to a question of the driver's own, between two batches. */
  #answer: RawRow[] = [];

  /** `before`: the part of a stream whose rows these come after. */
  constructor(owner: StreamOwner, statement: Statement, bytes: Buffer, before?: Portal) {
    super(
      owner,
      bytes,
      () => this.#wake(),
      statement,
      before === undefined ? owner.useOf(statement.sql) : undefined,
    );
    this.#owner = owner;
    if (before === undefined) return;
    this.shape = before.shape;
    this.#state = "synced";
  }

  /** The next rows; none at the end. */
  async fetch(batch: number): Promise<unknown[]> {
    if (this.#state === "suspended") {
      this.#state = "fetching";
      this.#owner.write(fetchMore(batch));
    }
    await this.#rest();
    return this.takeRows();
  }

  /** Asks the server something of the driver's own, beside the portal where that is open still. */
  readonly ask = async (sql: string): Promise<TextRows> => {
    if (this.done) return this.more ? askBeside(this.#owner, sql) : this.#owner.ask(sql);
    this.#state = "asking";
    this.#answer = [];
    this.#owner.write(question(sql));
    await this.#rest();
    return this.#answer;
  };

  /** Fires when the session is usable again. */
  async close(): Promise<void> {
    this.#unwanted = true;
    if (this.#state === "suspended") this.#end();
    while (!this.done) await this.#change();
  }

  override handleRowDescription(message: { readonly fields: FieldDef[] }): void {
    super.handleRowDescription(message);
    const { transacting, asides } = this.#owner;
    const held = () => {
      // What a slow function says makes a server say all that it has.
      if (this.#state !== "fetching" || this.#owner.asides !== asides) return;
      if (transacting) {
        this.#state = "synced";
        this.use = undefined;
        this.#owner.write(SYNC);
      } else {
        // What comes late would be taken for the answer to what is asked next.
        this.error ??= new NotSupportedError(HELD_BACK);
        this.#owner.destroy();
      }
    };
    this.#held = setTimeout(held, transacting ? SYNC_AFTER_MILLIS : REFUSED_AFTER_MILLIS).unref();
  }

  override finish(): void {
    clearTimeout(this.#held);
    super.finish();
  }

  override handleDataRow(message: { readonly fields: RawRow }): void {
    clearTimeout(this.#held);
    if (this.#state === "asking") this.#answer.push(message.fields);
    else if (this.#state === "ending") this.lookedBehind = message.fields;
    else super.handleDataRow(message);
  }

  override handlePortalSuspended(): void {
    if (this.#state === "synced") {
      this.more = true;
      return;
    }
    this.#state = "suspended";
    if (this.#unwanted || this.error !== undefined) this.#end();
    this.#wake();
  }

  override handleCommandComplete(message: { readonly text: string }): void {
    if (this.#state === "asking") this.handlePortalSuspended();
    else if (this.#state !== "ending") {
      this.note(message.text);
      if (this.#state !== "synced") this.#end();
    }
  }

  override handleEmptyQuery(): void {
    this.#end();
  }

  /** No Sync has been sent yet that COPY could swallow. */
  override handleCopyInResponse(connection: Wire): void {
    this.error = copyRefused();
    connection.sendCopyFail("not supported");
  }

  override handleError(error: unknown, connection: Wire): void {
    super.handleError(error, connection);
    if (isServerError(error) && this.#state !== "ending" && this.#state !== "synced") this.#end();
  }

  get #rests(): boolean {
    return this.done || this.#state === "suspended";
  }

  /** Sync closes the portal; the server is ready after it. */
  #end(): void {
    clearTimeout(this.#held);
    this.#state = "ending";
    const { use } = this;
    this.#owner.write(endOfPortal(use === undefined ? NOTHING : this.#owner.asks(use)));
  }

  async #rest(): Promise<void> {
    while (!this.#rests) await this.#change();
    if (this.done && this.error !== undefined) throw this.error;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const also = this.#waiting;
      this.#waiting = () => {
        also?.();
        resolve();
      };
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

const HELD_BACK =
  "rows are kept back by what stands before the server (pgpool-II does so): stream inside of runInteraction, or use runQuery";

/** A question between two such batches: the portal without a name is the stream's. */
async function askBeside(owner: StreamOwner, sql: string): Promise<TextRows> {
  const bytes = Buffer.concat([question(sql), SYNC]);
  const { collected } = await new Promise<Execution>((resolve, reject) => {
    const settle = (error: unknown, execution: Execution) =>
      error === undefined ? resolve(execution) : reject(error);
    owner.submit(new Answer(owner, bytes, settle));
  });
  return collected as (string | null)[][];
}

/** Rows whose columns were not asked for, as text. */
class Answer extends Execution {
  override handleDataRow(message: { readonly fields: RawRow }): void {
    this.collected.push(message.fields);
  }
}

const SYNC = syncAlone();

function syncAlone(): Buffer {
  wire.start();
  wire.sync();
  return wire.finish();
}

/** In a portal of its own: the one without a name is the stream's. */
function question(sql: string): Buffer {
  wire.start();
  wire.parse("", sql);
  wire.bind("", [], QUESTION);
  wire.executeNamed(QUESTION);
  wire.flush();
  return wire.finish();
}

const QUESTION = "adbapi_question";

function fetchMore(batch: number): Buffer {
  wire.start();
  wire.execute(batch);
  wire.flush();
  return wire.finish();
}
