/**
 * Many lists of params of one text, ahead of their answers: a text that the cache keeps is sent as soon as it is asked
 * for.
 */
import type { Params, Statement } from "../driver.js";
import type { Many } from "../mysql-family/execute-many.js";
import type { Part } from "../mysql-family/in-flight.js";
import { bytesOf } from "../mysql-family/packet-limit.js";
import type { Step } from "../mysql-family/send-ahead.js";
import type { Prepared, StatementCache } from "./statement-cache.js";

/** What of a connection is needed here. */
export interface ManyConnection {
  readonly statements: StatementCache;
  readonly goesAhead: boolean;
  readonly maxAllowedPacket: number;
  /** One list; fires with the rows affected. */
  one(part: Part): Promise<number>;
  /** Runs what is prepared and has no params, and drops its answer. */
  run(prepared: Prepared, statement: Statement): void;
}

/**
 * `refusing` is the statement that has the server refuse writes. Undefined where nothing is gained, or a text cannot be
 * prepared.
 */
export async function manyOf(
  connection: ManyConnection,
  { sql, whole }: { readonly sql: string; readonly whole: Statement | undefined },
  first: Params,
  refusing: string,
): Promise<Many | undefined> {
  const { statements } = connection;
  if (!connection.goesAhead) return undefined;
  const isText = (first as unknown[]).length === 0;
  if (!isText && !(await statements.knows(sql))) return undefined;
  if (!(await statements.knows(refusing))) return undefined;
  // One may have had to make room for the other.
  if (!isText && !statements.keeps(sql)) return undefined;
  const refuse: Statement = { sql: refusing, params: [], rowMode: "object" };
  const step = (params: Params): Step => ({
    lists: [params],
    bytes: bytesOf(params, connection.maxAllowedPacket),
    run: () => connection.one({ sql, params, rowMode: "object", whole, ahead: true }),
  });
  return {
    steps: (lists) => lists.map(step),
    refuseWrites: () =>
      statements.get(refusing, (error, prepared) => {
        if (error === null) connection.run(prepared, refuse);
      }),
    close: () => {},
  };
}
