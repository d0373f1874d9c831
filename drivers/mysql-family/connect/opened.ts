/** A session as a package has opened it. */
import type { Socket } from "node:net";
import type { Product } from "../errors/sender.js";
import type { Faults } from "../faults.js";
import { OWN } from "../values/result.js";
import { onAbort } from "./connect-deadline.js";
import type { Greeting } from "./greeting.js";

/** What of a package's session is needed here. */
export interface Opened {
  readonly native: {
    query(options: { sql: string } & typeof OWN, callback: (error: unknown, rows?: unknown) => void): unknown;
    execute(
      options: { sql: string } & typeof OWN,
      values: string[],
      callback: (error: unknown, rows?: unknown) => void,
    ): unknown;
  };
  readonly socket: Socket;
  /** What the other end said first. */
  readonly greeting: Greeting;
  readonly faults: Faults;
  /** Whose names the package has for numbers of errors. */
  readonly names: Product;
}

/** Fires once the session is there; an abort or a failure leaves nothing open. */
export type Open<Args, O extends Opened> = (args: Args, signal: AbortSignal) => Promise<O>;

/** The first row of a statement, as an array; an abort ends the session. */
export function firstRow({ native, socket }: Opened, sql: string, signal: AbortSignal): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, (reason) => {
      socket.destroy();
      reject(reason);
    });
    if (signal.aborted) return;
    native.query({ sql, ...OWN }, (error, rows) => {
      stop();
      if (!error) return resolve(Array.isArray(rows) ? (rows[0] as unknown[]) : []);
      socket.destroy();
      reject(error);
    });
  });
}
