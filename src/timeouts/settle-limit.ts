/**
 * The longest that a session may take to settle what it was asked to stop, or what no caller waits for any more, and to
 * roll back, to be reset or to close; then it is destroyed.
 */
export const SETTLE_MILLIS = 5_000;
