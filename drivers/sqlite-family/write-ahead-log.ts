/** The mode of a file in which readers and the writer do not wait for each other. */
import { isUnreadable } from "./errors.js";

/**
 * Sets the mode, which also shows whether there is a database at all in the file: throws where there is none. Any
 * other failure is tolerated: another process may hold the file in its old mode, or the file system cannot share
 * memory, which is slower, and as correct.
 * @param readOnly then the mode stays as it is, and the file is only looked at
 */
export function useWriteAheadLog(readOnly: boolean, runPragma: (pragma: string) => unknown): void {
  try {
    runPragma(readOnly ? "schema_version" : "journal_mode = wal");
  } catch (error) {
    if (isUnreadable(error)) throw error;
  }
}
