/**
 * The promise, or after so long an error that says what was waited for: for what another process has to do, which may
 * have died. Less than a test may take, so that it is this error that is seen.
 */
export function within<T>(what: () => string, promise: Promise<T>, millis = 50_000): Promise<T> {
  let late: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`not within ${millis / 1_000} s: ${what()}`)), millis);
  });
  return Promise.race([promise, bound]).finally(() => clearTimeout(late));
}
