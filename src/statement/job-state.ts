/** What becomes of a statement, from the call to its answer. */

/**
 * - `waiting`: in a line, nothing of it sent;
 * - `sent`: on a connection;
 * - `expired`: its time is over, the server was asked to stop it, the caller hears when it has settled;
 * - `late`: the same, and it has not settled soon: the caller was told that nothing more is known, the connection waits
 *   for the server;
 * - `outgrown`: its result is larger than the pool takes, the server was asked to stop it, the caller hears when it has
 *   settled;
 * - `abandoned`: cancelled, the caller has been answered, the connection waits for the server;
 * - `settled`: over.
 */
export type JobState = "waiting" | "sent" | "expired" | "late" | "outgrown" | "abandoned" | "settled";

export const JOB_MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  waiting: ["sent", "settled"],
  sent: ["waiting", "expired", "outgrown", "abandoned", "settled"],
  expired: ["late", "abandoned", "settled"],
  late: ["settled"],
  outgrown: ["late", "abandoned", "settled"],
  abandoned: ["settled"],
  settled: [],
};
