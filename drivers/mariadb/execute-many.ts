/** Many lists of params of one text: in bulk where that leaves the same as one by one, else ahead of their answers. */
import type { FieldInfo } from "mariadb";
import type { Params, Statement } from "../driver.js";
import type { Many } from "../mysql-family/execute-many.js";
import type { Part } from "../mysql-family/in-flight.js";
import { bytesOf } from "../mysql-family/packet-limit.js";
import type { Step } from "../mysql-family/send-ahead.js";
import { type Lot, lots } from "./bulk/lots.js";
import { columnsOfParams } from "./bulk/param-columns.js";
import { kindsAsDouble, mixedParams } from "./bulk/param-types.js";
import { isPlain } from "./bulk/text.js";
import { bulk, knowsBulk } from "./commands.js";
import type { Answer, Prepared } from "./native.js";

/** What of a connection is needed here. */
export interface ManyConnection {
  /** Whether the server and the connect arguments allow bulk. */
  readonly bulks: boolean;
  readonly goesAhead: boolean;
  readonly maxAllowedPacket: number;
  prepare(sql: string): Promise<Prepared | undefined>;
  /** A text without params. */
  text(part: Part): Promise<number>;
  /** One list of a text that is prepared, sent at once. */
  one(part: Part, prepared: Prepared): Promise<number>;
  /** A command that `send` gives to mariadb; fires with the rows affected. */
  send(part: Part, send: (answered: Answer) => void): Promise<number>;
  /** The columns of the rows that a text would give; none where the server does not tell. */
  columns(part: Part): Promise<readonly FieldInfo[]>;
  tell(sql: string): void;
  /** Runs what is prepared and has no params, and drops its answer. */
  run(prepared: Prepared): void;
}

/**
 * All of it with one handle: mariadb takes a turn for each time that a text is prepared. `refusing` is the statement
 * that has the server refuse writes. Undefined where nothing is gained, or the text cannot be prepared.
 */
export async function manyOf(
  connection: ManyConnection,
  { sql, whole }: { readonly sql: string; readonly whole: Statement | undefined },
  first: Params,
  refusing: string,
): Promise<Many | undefined> {
  const inBulk = connection.bulks && isPlain(sql);
  if (!connection.goesAhead && !inBulk) return undefined;
  const isText = (first as unknown[]).length === 0;
  const prepared = isText ? undefined : await connection.prepare(sql);
  if (!isText && prepared === undefined) return undefined;
  const refuser = connection.goesAhead ? await connection.prepare(refusing) : undefined;
  const part = (params: Params): Part => ({ sql, params, rowMode: "array", whole, ahead: true });
  const one = (params: Params): Step => ({
    lists: [params],
    bytes: bytesOf(params, connection.maxAllowedPacket),
    run: () =>
      prepared === undefined ? connection.text(part(params)) : connection.one(part(params), prepared),
  });
  const common = {
    refuseWrites: () => (refuser === undefined ? connection.tell(refusing) : connection.run(refuser)),
    close: () => {
      prepared?.close();
      refuser?.close();
    },
  };
  if (!inBulk || prepared === undefined) return { ...common, steps: (lists) => lists.map(one) };

  const many = (lot: Lot): Step => {
    const [list] = lot.rows;
    const fits = lot.rows.length > 1 && knowsBulk(prepared) && lot.types?.length === prepared.parameterCount;
    if (!fits) return one(list!);
    const run = () => connection.send(part(list!), (answered) => bulk(prepared, lot, answered));
    return { lists: lot.rows, bytes: lot.bytes, run };
  };
  let asDouble: readonly number[] = [];
  return {
    ...common,
    *steps(lists) {
      const rows = lists as readonly unknown[][];
      for (const lot of lots(rows, connection.maxAllowedPacket, asDouble)) yield many(lot);
    },
    async look(lists) {
      asDouble = await doublesOf(connection, { sql, whole }, lists as readonly unknown[][]);
    },
  };
}

/** Of each param, which integers its column stores the same where they come as a DOUBLE. */
async function doublesOf(
  connection: ManyConnection,
  { sql, whole }: { readonly sql: string; readonly whole: Statement | undefined },
  rows: readonly (readonly unknown[])[],
): Promise<readonly number[]> {
  const mixed = mixedParams(rows);
  const target = mixed.length > 0 ? columnsOfParams(sql) : undefined;
  if (target === undefined || mixed.every((at) => target.places[at] === undefined)) return [];
  const part: Part = { sql: target.sql, params: undefined, rowMode: "array", own: true, whole };
  const columns = await connection.columns(part);
  return target.places.map((place) => kindsAsDouble(place === undefined ? undefined : columns.at(place)));
}
