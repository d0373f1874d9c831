import type { Socket } from "node:net";
import { unreadable } from "../common/unreadable.js";

/**
 * Whoever is to hear of what a package threw while nobody could catch it: at first the attempt to connect, then the
 * connection.
 */
export class Faults {
  /** Where it hears nothing else, the end of the socket tells those who wait. */
  heard: (error: unknown) => void;

  constructor(socket: () => Socket | undefined) {
    this.heard = (error) => socket()?.destroy(unreadable(error));
  }

  tell(error: unknown): void {
    this.heard(error);
  }
}
