/** The part of the driver contract that is about scripts: several statements in one text. */
import type { Statement } from "../statement.js";

/** How far a script has come. The driver writes it while the script runs, and it is read when that has failed. */
export interface ScriptProgress {
  /** How many statements have been run to their end; undefined where the database does not tell. */
  completed: number | undefined;
  /** Where the statement that failed begins, or where the fault in it is: an index into the text. */
  position: number | undefined;
}

export interface RunsScripts {
  /**
   * Runs a text of several statements in the database's own way, on the session as it is: in the transaction that is
   * open, else in none but the text's own. Their rows are dropped. Rejects with the first failure, behind which nothing
   * is run. `cancel` knows it by `script`, which has no params. Absent: there are no scripts.
   */
  executeScript?(script: Statement, progress: ScriptProgress): Promise<void>;
}
