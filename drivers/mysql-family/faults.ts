import type { Socket } from "node:net";
import { unreadable } from "../common/unreadable.js";

/**
 * What a package throws inside of an event, where no promise catches it. The attempt to connect hears of it first, then
 * the connection.
 */
export class Faults {
  /** Until the connection is there, the socket is ended: so the attempt to connect fails. */
  heard: (error: unknown) => void;

  constructor(socket: () => Socket | undefined) {
    this.heard = (error) => socket()?.destroy(unreadable(error));
  }

  tell(error: unknown): void {
    this.heard(error);
  }
}
