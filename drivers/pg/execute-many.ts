/** One text with many lists of params: parsed once for some thousand of them, bound and run in one round trip. */
import type { Params } from "../driver.js";
import { Execution, type RawRow } from "./execution.js";
import { encode, type PrepareValue } from "./values/encode.js";
import type { Encoded } from "./wire.js";

/** Bounds of what is encoded in one go, so that the event loop is not held up. */
const MOST_ROWS = 1000;
const MOST_BYTES = 65_536;

/** Runs the statement with each of these in one round trip, to be counted and not read. */
export type SendSome = (lists: readonly (readonly Encoded[])[]) => Promise<Execution>;

/** Two chunks are under way at a time, so that the server has work while the next is encoded. */
export async function executeMany(
  listOfParams: readonly Params[],
  prepareValue: PrepareValue,
  send: SendSome,
): Promise<{ readonly rowCount: number }> {
  let rowCount = 0;
  let previous: Promise<Execution> | undefined;
  let latest: Promise<Execution> | undefined;
  try {
    for (let at = 0; at < listOfParams.length; ) {
      const lists = encodeSome(listOfParams, at, prepareValue);
      at += lists.length;
      latest = send(lists);
      rowCount += (await previous)?.rowCount ?? 0;
      previous = latest;
    }
    rowCount += (await previous)?.rowCount ?? 0;
    return { rowCount };
  } catch (error) {
    // What was sent behind the failure fails because of it, and must be over before the caller hears of it.
    const [before] = await Promise.allSettled([previous, latest]);
    throw before.status === "rejected" ? before.reason : error;
  }
}

/** At least one list. One that cannot be encoded fails only when those ahead of it have been sent. */
function encodeSome(
  listOfParams: readonly Params[],
  from: number,
  prepareValue: PrepareValue,
): readonly (readonly Encoded[])[] {
  const lists: (readonly Encoded[])[] = [];
  let size = 0;
  for (let at = from; at < listOfParams.length && lists.length < MOST_ROWS && size < MOST_BYTES; at++) {
    try {
      const values = encode(listOfParams[at], prepareValue);
      for (const value of values) size += sizeOf(value);
      lists.push(values);
    } catch (error) {
      if (at === from) throw error;
      break;
    }
  }
  return lists;
}

function sizeOf(value: Encoded): number {
  return typeof value === "string" || value instanceof Buffer ? value.length : 8;
}

/** One of many lists: its rows are not wanted, and its columns were not asked for. */
export class CountingExecution extends Execution {
  readonly #runs: number;

  constructor(runs: number, ...common: ConstructorParameters<typeof Execution>) {
    super(...common);
    this.#runs = runs;
  }

  protected override get runs(): number {
    return this.#runs;
  }

  override handleDataRow(message: { readonly fields: RawRow }): void {
    this.looked(message.fields);
  }
}
