import type { Writable } from "node:stream";

/** Holds back what is written in one turn, until its end: it leaves in one piece, by one system call. */
export class Cork {
  #held: Writable | undefined;

  hold(stream: Writable): void {
    if (this.#held !== undefined) return;
    this.#held = stream;
    stream.cork();
    process.nextTick(release, this);
  }

  release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.uncork();
  }
}

/** One function for all: a closure for each turn costs more than the rest. */
function release(cork: Cork): void {
  cork.release();
}
