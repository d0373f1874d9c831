import type { Driver } from "../../drivers/driver.js";
import { translated } from "../pool/driver-guard.js";
import { RowStream } from "./row-stream.js";

/** A call that was refused: its reader is told with the first row. */
export function refusedStream<Row>(driver: Driver, error: unknown): RowStream<Row> {
  const opener = {
    driver,
    failure: (reason: unknown) => translated(driver, reason),
    open: () => Promise.reject(error),
  };
  return new RowStream(opener, { sql: "", params: undefined, rowMode: "object" }, {});
}
