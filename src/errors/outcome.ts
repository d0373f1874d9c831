import type { Outcome } from "./classes.js";

/** Whether work with this outcome can be done again, and is then done once. */
export function leavesNothing(outcome: Outcome): boolean {
  return outcome === "not sent" || outcome === "not applied";
}
