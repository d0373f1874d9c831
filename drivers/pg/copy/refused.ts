/** COPY moves rows beside the statements: a statement that is one is refused. */
import { NotSupportedError } from "../../../src/errors/classes.js";

/** Refused before it is sent, where the text shows it: with statements behind it COPY would end the session. */
export const COPY = /^\s*copy\b.*\b(?:stdin|stdout)\b/is;

export function copyRefused(): NotSupportedError {
  return new NotSupportedError(
    "COPY FROM STDIN and COPY TO STDOUT are no statements: read with runCopyTo, and for the other way use pg-copy-streams on the " +
      "`native` of a connection of a pool with pipeline: 1",
  );
}
