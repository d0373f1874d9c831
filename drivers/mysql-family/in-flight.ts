/** The statements of a session that were sent and have not settled. */
import type { Statement } from "../driver.js";

/** A statement as a session sends it. */
export interface Part extends Statement {
  /** The statement that it is a part of: cancelling that cancels it. */
  readonly whole?: Statement | undefined;
  /** The driver's own: the user's `typeCast` has no say in it. */
  readonly own?: true;
  /** Others are sent behind it before its answer: it must not be sent again by itself. */
  readonly ahead?: true;
}

export interface Sent {
  readonly statement: Part;
  readonly reject: (error: unknown) => void;
}

export class InFlight {
  /** Oldest first. */
  readonly #all: Sent[] = [];

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** The statement that the server works at. */
  get head(): Sent | undefined {
    return this.#all[0];
  }

  add(statement: Part, reject: (error: unknown) => void): Sent {
    const sent = { statement, reject };
    this.#all.push(sent);
    return sent;
  }

  remove(sent: Sent): void {
    const index = this.#all.indexOf(sent);
    if (index >= 0) this.#all.splice(index, 1);
  }

  rejectAll(error: unknown): void {
    for (const sent of this.#all.splice(0)) sent.reject(error);
  }
}
