import { type AdbapiError, ConnectionLost } from "../errors/classes.js";

/** How its taker hears that a connection is lost, while it has it. */
export class Loss {
  #controller: AbortController | undefined;
  #error: ConnectionLost | undefined;

  /** Aborted, with the error as its reason, when the connection is lost or destroyed: for the taker of now alone. */
  get signal(): AbortSignal {
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
    this.#controller = undefined;
  }
}
