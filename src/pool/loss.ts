import { type AdbapiError, ConnectionLost } from "../errors/classes.js";

/** How those who wait hear that a connection is lost: its taker by a signal, the pool's own waits for the driver. */
export class Loss {
  /** Whether its taker has asked for the signal; changed here alone. */
  watched = false;
  #controller: AbortController | undefined;
  #error: ConnectionLost | undefined;
  readonly #waits = new Set<(lost: ConnectionLost) => void>();

  /** Aborted, with the error as its reason, when the connection is lost or destroyed: for the taker of now alone. */
  get signal(): AbortSignal {
    this.watched = true;
    this.#controller ??= new AbortController();
    if (this.#error !== undefined) this.#controller.abort(this.#error);
    return this.#controller.signal;
  }

  /** Told once: the first is the reason. Never throws. */
  tell(error: AdbapiError): void {
    this.#error ??=
      error instanceof ConnectionLost
        ? error
        : new ConnectionLost(`the connection was lost: ${error.message}`, { cause: error });
    this.#controller?.abort(this.#error);
  }

  /** The connection was given back: what becomes of it is not for its last taker. */
  forget(): void {
    this.watched = false;
    this.#controller = undefined;
  }

  /** Waits for the driver, but not for ever: settles as `work` does, unless `endWaits` comes first. */
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

  /** The driver has not settled what was destroyed. */
  endWaits(lost: ConnectionLost): void {
    for (const reject of this.#waits) reject(lost);
  }
}
