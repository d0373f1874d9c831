/** What stands for a value. */
export const REMOVED = "…";
