/** The rows of a stream of mariadb. */
import type { Readable } from "node:stream";
import type { FieldInfo } from "mariadb";
import type { Statement } from "../driver.js";
import { endRows, type RowSource } from "../mysql-family/row-source.js";
import { columnsOf, refuseFaults, toObject } from "./rows.js";

export type RowStream = Readable & { close(): void };

export function rowSource(readable: RowStream, { rowMode }: Statement, ended: () => void): RowSource {
  let names: string[] = [];
  let sets = 0;
  readable.on("fields", (meta: FieldInfo[]) => {
    if (++sets === 1) names = columnsOf(meta).map(({ name }) => name);
    else if (sets === 2) endRows(readable);
  });
  readable.on("error", ended).once("end", ended);
  return {
    readable,
    isRow: Array.isArray,
    shape: (row) => {
      refuseFaults(row as unknown[]);
      return rowMode === "array" ? row : toObject(row as unknown[], names);
    },
    discard: () => {
      readable.close();
      readable.resume();
    },
  };
}
