/** Work of many statements that travels as few messages. */
import type { Params, ScriptProgress, Statement } from "../../driver.js";
import { BlockingError } from "../errors.js";
import type { Request } from "../protocol.js";
import type { Received } from "./inbox.js";
import { ownParams } from "./params.js";

/** Lists of params that travel as one message. */
const MANY = 1_000;

interface Asked {
  readonly inTransaction: boolean;
  request(request: Request, statement?: Statement): Promise<Received>;
}

export async function executeMany(
  connection: Asked,
  sql: string,
  listOfParams: readonly Params[],
  whole: Statement | undefined,
): Promise<{ readonly rowCount: number }> {
  let rowCount = 0;
  for (let from = 0; from < listOfParams.length; from += MANY) {
    const slice = listOfParams.slice(from, from + MANY).map((params) => ownParams(params)!);
    const received = await connection.request(["many", 0, true, sql, slice], whole);
    if ("kind" in received) rowCount += received.rowCount;
  }
  return { rowCount };
}

export async function executeScript(
  connection: Asked,
  script: Statement,
  progress: ScriptProgress,
): Promise<void> {
  try {
    await connection.request(["script", 0, connection.inTransaction, script.sql], script);
  } catch (error) {
    if (error instanceof BlockingError) Object.assign(progress, error.progress);
    throw error;
  }
}
