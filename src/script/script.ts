import type { ScriptProgress, Statement } from "../../drivers/driver.js";
import type { Deferred } from "../defer/index.js";
import { channels, traced } from "../diagnostics/channels.js";
import { AdbapiError, NotSupportedError } from "../errors/classes.js";
import { stoppedAt } from "../errors/details.js";
import { statementTimeout } from "../errors/given-up.js";
import type { End } from "../errors/session-ended.js";
import { type BulkOptions, checkBulkOptions } from "../options/call-options.js";
import type { Sequence } from "../session/sequence.js";
import { refused, type Session } from "../session/session.js";
import type { SessionTask } from "../session/session-task.js";
import { checkSql } from "../statement/check-sql.js";

/** Runs a script as one piece of a session's work. */
export function runScript(
  session: Session,
  sequence: Sequence,
  sql: string,
  options: BulkOptions | undefined,
): Deferred<void> {
  try {
    checkScript(sql, options);
  } catch (error) {
    return refused(error);
  }
  const script: Statement = { sql, params: undefined, rowMode: "array" };
  const timeout = {
    outcome: "unknown",
    error: (timeoutMillis: number | undefined) => statementTimeout(timeoutMillis, "unknown", sql),
  } as const;
  const submit = () => session.task<void>(sequence, (task) => run(session, script, task), options, timeout);
  if (!channels.statement.hasSubscribers) return submit();
  const trace = { ...session.context.origin, sql, parameterized: false, inTransaction: true };
  return traced(channels.statement, trace, submit);
}

export function checkScript(sql: unknown, options: unknown): void {
  checkSql(sql);
  checkBulkOptions(options, "runScript");
}

async function run(
  { transaction, connection, driver }: Session,
  script: Statement,
  task: SessionTask<void>,
): Promise<void> {
  const { sql } = script;
  if (connection.conn.executeScript === undefined)
    throw new NotSupportedError(
      `the driver "${driver.name}" runs no scripts: run their statements one by one`,
    );
  task.restart();
  await transaction.begin();
  if (task.givenUp !== undefined) throw task.givenUp;
  let stopped: End | undefined;
  task.whenGivenUp = (error) => {
    stopped = error;
    connection.cancellations.stop(script);
  };
  const progress: ScriptProgress = { completed: 0, position: undefined };
  try {
    await transaction.sentText(sql, (conn) => conn.executeScript!(script, progress));
  } catch (error) {
    if (stopped !== undefined) throw stopped;
    const { completed, position } = progress;
    const number = completed === undefined ? undefined : completed + 1;
    if (error instanceof AdbapiError) stoppedAt(error, sql, number, position);
    throw error;
  } finally {
    task.whenGivenUp = undefined;
  }
  if (stopped !== undefined) throw stopped;
}
