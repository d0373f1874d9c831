/** Rows out of a Readable, in batches. */
import type { Readable } from "node:stream";

export interface RowSource {
  readonly readable: Readable;
  /** False for what the package hands on in the place of rows: the answer of a statement that gives none. */
  readonly isRow: (row: unknown) => boolean;
  /** From what the package makes of a row to what the statement asked for. */
  readonly shape: (row: unknown) => unknown;
  /** From now on rows are thrown away, as fast as they come. */
  discard(): void;
}

/** Called when a second result set begins: its rows are dropped, since a statement gives those of the first alone. */
export function endRows(readable: Readable): void {
  const { push } = readable;
  readable.push = (row) => row !== null || push.call(readable, row);
}

/** Fires with `batch` rows, fewer only at the end; none are the end. Rejects with the stream's error. */
export function take(readable: Readable, batch: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const rows: unknown[] = [];
    const finish = (settle: () => void): void => {
      readable.off("readable", more).off("end", all).off("error", failed).off("close", all);
      settle();
    };
    const all = (): void => finish(() => (readable.errored ? reject(readable.errored) : resolve(rows)));
    const failed = (error: Error): void => finish(() => reject(error));
    const more = (): void => {
      while (rows.length < batch) {
        const row: unknown = readable.read();
        if (row === null) break;
        rows.push(row);
      }
      if (rows.length === batch) all();
    };
    if (readable.readableEnded || readable.destroyed) return all();
    readable.on("readable", more).once("end", all).once("error", failed).once("close", all);
    more();
  });
}

/** Whether it fired in time. */
export function within(millis: number, promise: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), millis);
    promise.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
