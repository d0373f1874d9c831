/** The rows of a stream of mysql2. */
import type { DriverSettings, Statement } from "../driver.js";
import { endRows, type RowSource } from "../mysql-family/row-source.js";
import type { Command } from "./native.js";
import { finisher } from "./rows.js";

export function rowSource(
  command: Command,
  { rowMode }: Statement,
  int64: DriverSettings["int64"],
  batch: number,
  ended: () => void,
): RowSource {
  let shape: ((row: unknown) => unknown) | undefined;
  let sets = 0;
  command.on("fields", (fields) => {
    if (fields === undefined) return;
    if (++sets === 1) shape = finisher(fields, rowMode, int64);
    else if (sets === 2) endRows(readable);
  });
  // A reader that abandons the stream takes its own listener away, and an error without one would end the process.
  command.on("error", () => {}).on("end", ended);
  const readable = command.stream({ highWaterMark: batch });
  readable.on("error", () => {});
  return {
    readable,
    isRow: (row) => Object.getPrototypeOf(row).constructor.name !== "ResultSetHeader",
    shape: (row) => (shape === undefined ? row : shape(row)),
    discard: () => readable.destroy(),
  };
}
