/** Rows a batch at a time, out of a portal that stays open between batches. */
import type { Statement } from "../driver.js";
import { Portal, type StreamOwner } from "./portal.js";
import { encode, type PrepareValue } from "./values/encode.js";
import * as wire from "./wire.js";

/** Nothing is sent before the first `next`. */
export class PgStream implements AsyncIterableIterator<unknown[]> {
  readonly #owner: StreamOwner;
  readonly #statement: Statement;
  readonly #prepareValue: PrepareValue;
  #portal: Portal | undefined;
  readonly #batch: number;
  #over = false;

  constructor(owner: StreamOwner, statement: Statement, batch: number, prepareValue: PrepareValue) {
    this.#owner = owner;
    this.#statement = statement;
    this.#batch = batch;
    this.#prepareValue = prepareValue;
  }

  async next(batch = this.#batch): Promise<IteratorResult<unknown[], undefined>> {
    if (this.#over) return OVER;
    try {
      if (this.#portal === undefined) await this.#owner.checkParams(this.#statement);
      if (this.#over) return OVER;
      if (this.#portal === undefined || this.#portal.more) this.#portal = this.#open(batch);
      const rows = await this.#read(this.#portal, batch);
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

  #open(batch: number): Portal {
    const bytes =
      this.#portal === undefined
        ? firstBatch(this.#statement, this.#batch, this.#prepareValue)
        : syncedBatch(batch);
    const portal = new Portal(this.#owner, this.#statement, bytes, this.#portal);
    this.#owner.submit(portal);
    return portal;
  }

  async #read(portal: Portal, batch: number): Promise<unknown[]> {
    const rows = await portal.fetch(batch);
    const { made } = portal.shape;
    if (made.length > 0) await this.#owner.types.read(made, rows, this.#statement.rowMode, portal.ask);
    return rows;
  }
}

const OVER = { done: true, value: undefined } as const;

function firstBatch(statement: Statement, batch: number, prepareValue: PrepareValue): Buffer {
  const values = encode(statement.params, prepareValue);
  wire.start();
  wire.parse("", statement.sql);
  wire.bind("", values);
  wire.describe();
  wire.execute(batch);
  wire.flush();
  return wire.finish();
}

/** The next batch of a portal that has outlived a Sync. */
function syncedBatch(batch: number): Buffer {
  wire.start();
  wire.execute(batch);
  wire.sync();
  return wire.finish();
}
