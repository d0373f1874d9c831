import { type Deferred, fail } from "../defer/index.js";
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
  const work = ({ session, sequence }: OfSession) => runScript(session, sequence, sql, undefined);
  return interactions.run(SCRIPT, [options ?? {}, work], verb) as Deferred<void>;
}
