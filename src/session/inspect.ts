import { inOneLine } from "../defer/inspect.js";
import { StatementJob } from "../statement/statement-job.js";
import type { Sequence } from "./sequence.js";

/** What `console.log` shows of an object that works on a session: never the session, which knows the password. */
export function shownWork(name: string, sequence: Sequence): string {
  const { state, running } = sequence;
  const runs = running instanceof StatementJob ? `, runs ${inOneLine(running.sql)}` : "";
  return `${name} { <${state}>${runs} }`;
}
