/** Rows a batch at a time, out of a portal that stays open between batches. */
import type { Statement } from "../driver.js";
import { encode, type PrepareValue } from "./encode.js";
import { copyRefused, Execution, isServerError, type Owner, type Wire } from "./execution.js";
import * as wire from "./wire.js";

/** What a stream needs of its connection. */
export interface StreamOwner extends Owner {
  submit(execution: Execution): void;
  write(bytes: Buffer): void;
}

/**
 * The portal is the unnamed one, and it lives until Sync, so a stream is one group of messages however long it takes,
 * inside of a transaction and outside alike.
 */
class Portal extends Execution {
  readonly #owner: StreamOwner;
  /** Whoever waits for the next batch. */
  #waiting: (() => void) | undefined;
  #state: "fetching" | "suspended" | "ending" = "fetching";
  #unwanted = false;

  constructor(owner: StreamOwner, statement: Statement, batch: number, prepareValue: PrepareValue) {
    const values = encode(statement.params, prepareValue);
    const bytes = wire.group(() => {
      wire.parse("", statement.sql);
      wire.bind("", values);
      wire.describe();
      wire.execute(batch);
      wire.flush();
    });
    super(owner, bytes, () => this.#wake(), statement);
    this.#owner = owner;
  }

  /** The next rows; none at the end. */
  async fetch(batch: number): Promise<unknown[]> {
    if (this.#state === "suspended") {
      this.#state = "fetching";
      this.#owner.write(fetchMore(batch));
    }
    while (!this.#rests) await this.#change();
    if (this.done && this.error !== undefined) throw this.error;
    return this.takeRows();
  }

  /** Fires when the session is usable again. */
  async close(): Promise<void> {
    this.#unwanted = true;
    if (this.#state === "suspended") this.#end();
    while (!this.done) await this.#change();
  }

  override handlePortalSuspended(): void {
    this.#state = "suspended";
    if (this.#unwanted || this.error !== undefined) this.#end();
    this.#wake();
  }

  override handleCommandComplete(): void {
    this.#end();
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
    if (isServerError(error) && this.#state !== "ending") this.#end();
  }

  get #rests(): boolean {
    return this.done || this.#state === "suspended";
  }

  /** Sync closes the portal; the server is ready after it. */
  #end(): void {
    this.#state = "ending";
    this.#owner.write(END);
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

/** Nothing is sent before the first `next`. */
export class PgStream implements AsyncIterableIterator<unknown[]> {
  readonly #open: () => Portal;
  #portal: Portal | undefined;
  readonly #batch: number;
  #over = false;

  constructor(owner: StreamOwner, statement: Statement, batch: number, prepareValue: PrepareValue) {
    this.#batch = batch;
    this.#open = () => {
      const portal = new Portal(owner, statement, batch, prepareValue);
      owner.submit(portal);
      return portal;
    };
  }

  async next(batch = this.#batch): Promise<IteratorResult<unknown[], undefined>> {
    if (this.#over) return OVER;
    try {
      this.#portal ??= this.#open();
      const rows = await this.#portal.fetch(batch);
      if (rows.length > 0 && !this.#over) return { done: false, value: rows };
    } catch (error) {
      this.#over = true;
      throw error;
    }
    await this.return();
    return OVER;
  }

  async return(): Promise<IteratorResult<unknown[], undefined>> {
    this.#over = true;
    await this.#portal?.close();
    return OVER;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const OVER = { done: true, value: undefined } as const;

const END = wire.group(() => {
  wire.closePortal();
  wire.sync();
});

function fetchMore(batch: number): Buffer {
  return wire.group(() => {
    wire.execute(batch);
    wire.flush();
  });
}
