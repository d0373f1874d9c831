/**
 * What is known of a statement, or of a whole interaction, that failed or was given up:
 * - `"not sent"`: the server never saw it;
 * - `"not applied"`: the server saw it, and nothing of it lasts;
 * - `"applied"`: it was done before the cancel or the timeout reached it;
 * - `"unknown"`: this side cannot tell.
 */
export type Outcome = "not sent" | "not applied" | "applied" | "unknown";

/** Whether work with this outcome can be done again, and is then done once. */
export function leavesNothing(outcome: Outcome): boolean {
  return outcome === "not sent" || outcome === "not applied";
}
