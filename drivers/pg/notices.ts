/** What the server says beside its answers, where the operator must know of it. */
import { factsOf } from "./errors.js";

/** The one that was to have the answer has it, or has left: committed here, and perhaps on no standby. */
export function isReplicationWarning(notice: unknown): boolean {
  return factsOf(notice).routine === "SyncRepWaitForLSN";
}

export function replicationWarning(notice: unknown): string {
  const { detail } = notice as { readonly detail?: string };
  return `${factsOf(notice).message}${detail === undefined ? "" : `: ${detail}`}`;
}
