/**
 * Every account of the test servers has this password: what is special in URLs, in SQL and in files of settings is in
 * it.
 */
export const PASSWORD = "n0 s3cret: @/?#&%41+";

/** `scheme://user:password@` and the rest. */
export function urlOf(scheme: string, user: string, rest: string): string {
  return `${scheme}://${user}:${encodeURIComponent(PASSWORD)}@${rest}`;
}
