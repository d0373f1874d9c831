/** Waits for `work` for so long; then rejects with what `late` makes. The late answer of `work` is dropped. */
export function within<T>(work: Promise<T>, millis: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), millis);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
