import { type Deferred, fail } from "../defer/index.js";
import { ProgrammingError } from "../errors/classes.js";
import type { Interactions } from "../interaction/interactions.js";
import { type OfSession, SCRIPT } from "../interaction/kind.js";
import type { BulkOptions } from "../options/call-options.js";
import { checkScript, runScript } from "./script.js";

/** Runs a script on a session that it has for itself, in no transaction but its own; `verb` is the pool's method. */
export function runPoolScript(
  interactions: Interactions,
  sql: string,
  options: BulkOptions | undefined,
  verb: (...call: never[]) => unknown,
): Deferred<void> {
  try {
    checkScript(sql, options);
  } catch (error) {
    return fail(error) as unknown as Deferred<void>;
  }
  const work = async ({ session, sequence }: OfSession) => {
    await runScript(session, sequence, sql, undefined);
    if (session.lease.session !== "in transaction") return;
    throw new ProgrammingError(
      "the script left a transaction open, which was rolled back: end it with COMMIT, or use transaction.runScript",
      { sql },
    );
  };
  return interactions.run(SCRIPT, [options ?? {}, work], verb) as Deferred<void>;
}
