import { DataError, type ErrorDetails } from "./classes.js";

/** What a statement fails with whose result is larger than the pool takes. */
export function resultTooLarge(most: number, details: ErrorDetails = {}): DataError {
  return new DataError(
    `the result is larger than the pool's maxResultBytes (${most}): ask for less, read it with runStream, or raise the option`,
    details,
  );
}
