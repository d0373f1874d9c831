/** Which character sets a connection can have. */
import { DataError, InterfaceError } from "../../../src/errors/classes.js";

/**
 * The name of a charset or a collation, in utf8mb4: the packages write and read nothing else rightly. `utf8`, three
 * bytes at the most, would turn what needs four into question marks. Throws an `InterfaceError` for any other.
 */
export function utf8Name(driver: string, name: string): string {
  const rest = /^utf8(?:mb3|mb4)?((?:_\w+)?)$/i.exec(name)?.[1];
  if (rest !== undefined) return `utf8mb4${rest}`;
  throw new InterfaceError(
    `${driver}: a connection's charset must be utf8mb4 (or one of its collations), in which every text can be sent; of columns and tables it may be any`,
  );
}

/** Whether the session takes and gives texts as the packages write and read them. */
export function speaksUtf8({
  client,
  results,
}: {
  readonly client: string;
  readonly results: string | null;
}): boolean {
  return client === "utf8mb4" && results === "utf8mb4";
}

/**
 * What the decoder of both packages throws over a character set that it does not have: mysql2 when it reads, mariadb
 * when it writes.
 */
const UNKNOWN = /^Encoding not recognized: '([^']*)'/;

/** The error for a session whose character set a statement has changed to one of those; anything else as it is. */
export function ofCharset(error: unknown): unknown {
  const name = error instanceof Error ? UNKNOWN.exec(error.message)?.[1] : undefined;
  if (name === undefined) return error;
  return new DataError(
    `the session's character set was changed to ${name}, which the package can neither read nor write: keep utf8mb4 (SET NAMES utf8mb4), and CONVERT(… USING …) texts that need another`,
    { cause: error },
  );
}
