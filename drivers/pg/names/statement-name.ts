import { createHash } from "node:crypto";

const PREFIX = "adbapi_";

/**
 * The name of a text whose params have these types; none where the server finds them out. With 192 bits two texts
 * never have one name. The server cuts names at 63 characters.
 */
export function nameOf(sql: string, types: readonly number[]): string {
  const hash = createHash("sha256")
    .update(`${types.join(",")}\0${sql}`)
    .digest("base64url");
  return PREFIX + hash.slice(0, 32);
}

/** Whether the server's message speaks of such a name. */
export function mentionsName(message: string): boolean {
  return message.includes(PREFIX);
}
