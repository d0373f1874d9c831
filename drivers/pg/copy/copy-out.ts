/** COPY … TO STDOUT: what the server sends, as it comes, no faster than it is read. */
import type { Socket } from "node:net";
import { InterfaceError } from "../../../src/errors/classes.js";
import type { Cancellation, Statement } from "../../driver.js";
import { Execution, type Owner } from "../execution.js";
import * as wire from "../wire.js";
import { COPY } from "./refused.js";

/** What of its connection it needs. */
interface CopyOwner extends Owner {
  readonly native: { readonly connection: { readonly stream: unknown } };
  submit(execution: Execution): void;
  cancel(statement: Statement): Cancellation;
}

/** Bytes that wait for the reader before the socket is paused. */
const MOST_BYTES = 1 << 18;
/** Bytes of one Buffer: a row is mostly less. */
const PIECE = 1 << 16;

/** Its data, a piece or more at a time. Nothing is sent before the first `next`. */
export class CopyOut implements AsyncIterableIterator<Buffer[]> {
  readonly #owner: CopyOwner;
  readonly #statement: Statement;
  #running: CopyExecution | undefined;
  #over = false;

  constructor(owner: CopyOwner, statement: Statement) {
    this.#owner = owner;
    this.#statement = statement;
  }

  async next(): Promise<IteratorResult<Buffer[], undefined>> {
    if (this.#over) return OVER;
    const { sql } = this.#statement;
    if (!COPY.test(sql)) throw new InterfaceError("runCopyTo takes COPY … TO STDOUT, and no other statement");
    if (this.#running === undefined) {
      this.#running = new CopyExecution(this.#owner, this.#statement);
      this.#owner.submit(this.#running);
    }
    const pieces = await this.#running.take();
    if (pieces.length > 0) return { done: false, value: pieces };
    this.#over = true;
    return OVER;
  }

  /** Fires when the session is usable again: the server is asked to stop, and what comes until then is dropped. */
  async return(): Promise<IteratorResult<Buffer[], undefined>> {
    this.#over = true;
    const running = this.#running;
    if (running === undefined || running.done) return OVER;
    running.drop();
    await Promise.all([this.#owner.cancel(this.#statement).done, running.ended]);
    return OVER;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const OVER = { done: true, value: undefined } as const;

class CopyExecution extends Execution {
  readonly #socket: Socket;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** What is being filled, and how far: the chunks of pg's parser are overwritten by the next. */
  #piece: Buffer | undefined;
  #filled = 0;
  #dropped = false;
  #wake = (): void => {};
  readonly ended: Promise<void>;

  constructor(owner: CopyOwner, statement: Statement) {
    let end = (): void => {};
    super(owner, group(statement.sql), () => this.#settled(end), statement);
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.#socket = owner.native.connection.stream as Socket;
  }

  /** What has come, at least a piece; nothing at the end. */
  async take(): Promise<Buffer[]> {
    while (this.#bytes === 0 && !this.done) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#bytes === 0 && this.error !== undefined) throw this.error;
    const pieces = this.#pieces;
    if (this.#piece !== undefined) pieces.push(this.#piece.subarray(0, this.#filled));
    this.#pieces = [];
    this.#piece = undefined;
    this.#bytes = 0;
    this.#socket.resume();
    return pieces;
  }

  drop(): void {
    this.#dropped = true;
    this.#socket.resume();
  }

  /** Of a statement that is no COPY: it gives no data. */
  override handleDataRow(): void {}

  override handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (this.#dropped) return;
    for (let from = 0; from < chunk.length; ) {
      this.#piece ??= this.#next();
      const copied = chunk.copy(this.#piece, this.#filled, from);
      from += copied;
      this.#filled += copied;
      if (this.#filled < this.#piece.length) continue;
      this.#pieces.push(this.#piece);
      this.#piece = undefined;
    }
    this.#bytes += chunk.length;
    if (this.#bytes > MOST_BYTES) this.#socket.pause();
    this.#wake();
  }

  #next(): Buffer {
    this.#filled = 0;
    return Buffer.allocUnsafe(PIECE);
  }

  #settled(end: () => void): void {
    end();
    this.#wake();
  }
}

/** By the extended protocol, to which one text is one statement. */
function group(sql: string): Buffer {
  wire.start();
  wire.parse("", sql);
  wire.bind("", []);
  wire.execute();
  wire.sync();
  return wire.finish();
}
