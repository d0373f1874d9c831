/** The part of the driver contract that is about data in bulk, as the database writes it. */
import type { Statement } from "../statement.js";

export interface Copies {
  /**
   * What a COPY … TO STDOUT gives, as it comes, no faster than it is asked for. `return()` stops it, and settles when
   * the session is usable again. Nothing else is sent on the connection meanwhile. Absent: there is no such thing.
   */
  copyTo?(statement: Statement): AsyncIterableIterator<Buffer[]>;
}
