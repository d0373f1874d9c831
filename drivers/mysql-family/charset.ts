/** Which character sets a connection can have. */
import { InterfaceError } from "../../src/errors.js";

/**
 * The name of a charset or a collation, in utf8mb4: the packages write and read nothing else rightly. `utf8`, three bytes at the most, would turn what needs four
 * into question marks. Throws an `InterfaceError` for any other.
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
