import type { ConnectionLost } from "../errors/classes.js";

/** Waits for a driver, that end when what is waited for is lost. */
export class BoundedWaits {
  readonly #waits = new Set<(lost: ConnectionLost) => void>();

  /** Settles as `work` does, unless `end` comes first. */
  wait<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waits.add(reject);
      Promise.resolve(work).then(
        (value) => {
          this.#waits.delete(reject);
          resolve(value);
        },
        (error) => {
          this.#waits.delete(reject);
          reject(error);
        },
      );
    });
  }

  end(lost: ConnectionLost): void {
    for (const reject of this.#waits) reject(lost);
  }
}
