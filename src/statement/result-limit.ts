import type { DriverConnection } from "../../drivers/driver.js";
import type { DataError, Outcome } from "../errors/classes.js";
import { resultTooLarge } from "../errors/result-too-large.js";
import { weightOf } from "./weight.js";

/** How often the bytes of a result on its way are looked at. */
const LOOK_MILLIS = 10;

/** A socket hands over so many at a time: the last of them may be of the statement behind. */
const CHUNK_BYTES = 65_536;

/** Rows, their columns, and what type parsers make of these. */
const LEVELS = 7;

/**
 * Ends statements of one session whose results outgrow what the pool takes (`maxResultBytes`), before they outgrow the
 * process. Looks at what the session has received while the server works at a statement; where the driver does not
 * tell, and at what came between two looks, the rows are weighed before they are handed over.
 */
export class ResultLimit {
  readonly #conn: DriverConnection;
  readonly #most: number;
  #from = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param most in bytes */
  constructor(conn: DriverConnection, most: number) {
    this.#conn = conn;
    this.#most = most;
  }

  /**
   * The server begins with a statement; `outgrown` is called, once, when its result has become too large to wait for.
   */
  watch(outgrown: () => void): void {
    this.forget();
    this.#from = this.#conn.received ?? 0;
    this.#timer = setInterval(() => {
      if ((this.#received ?? 0) <= this.#most + CHUNK_BYTES) return;
      this.forget();
      outgrown();
    }, LOOK_MILLIS).unref();
  }

  /** It has settled. */
  forget(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Whether these rows, which have all come, are too large to be handed over. */
  exceededBy(rows: readonly unknown[]): boolean {
    const received = this.#received;
    if (received !== undefined && received <= this.#most) return false;
    return weightOf(rows, LEVELS, this.#most) > this.#most;
  }

  error(sql: string, outcome: Outcome, cause?: unknown): DataError {
    return resultTooLarge(this.#most, { sql, outcome, ...(cause === undefined ? {} : { cause }) });
  }

  /** Since the server began with it. */
  get #received(): number | undefined {
    const { received } = this.#conn;
    return received === undefined ? undefined : received - this.#from;
  }
}
