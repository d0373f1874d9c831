/** COPY moves rows beside the statements: this driver does not speak it. */
import { NotSupportedError } from "../../src/errors/classes.js";

/** Refused before it is sent, where the text shows it: with statements behind it COPY would end the session. */
export const COPY = /^\s*copy\b.*\b(?:stdin|stdout)\b/is;

export function copyRefused(): NotSupportedError {
  return new NotSupportedError(
    "COPY FROM STDIN and COPY TO STDOUT are not supported: use pg-copy-streams on a pg.Client of your own",
  );
}
