/** What URLs of databases have in common. */

/** For those who are told that theirs is malformed. */
export const ENCODED = "with / ? # @ % in user, password and database written as %2F %3F %23 %40 %25";

/** Longer ones are nobody's, and take their time. */
export const LONGEST_URL = 65_536;

/**
 * The URL; undefined where it is none, or where a password that was not encoded may have become its path, query or
 * fragment. Whoever says so must not repeat any of it.
 */
export function parsedUrl(text: string): URL | undefined {
  if (text.length > LONGEST_URL) return undefined;
  const start = /^\s*[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0].length;
  // The parser takes tabs and ends of lines away, wherever they stand.
  if (start === undefined || text.includes("#") || /[\t\n\r]/.test(text.trim())) return undefined;
  const authority = /^[^/?]*/.exec(text.slice(start))![0];
  if (text.includes("@", start + authority.length) || !URL.canParse(text)) return undefined;
  return new URL(text);
}

/** The text of a URL, given as text or as an object; undefined for anything else. */
export function urlText(given: unknown): string | undefined {
  return given instanceof URL ? given.href : typeof given === "string" ? given : undefined;
}
