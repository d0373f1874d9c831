/** The end of a session that the server still works for: it is asked to stop, and heard until it has hung up. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientConfig } from "pg";
import { requestCancel } from "./request.js";

/** A server that is there answers in a few milliseconds. */
const MOST_MILLIS = 1000;

const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

/**
 * Fires when the server's process is gone, or cannot be heard of. It does not see that its client has left: in a COMMIT
 * it would wait for an absent standby as long as that takes, and count against the server's limit all the while.
 */
export async function leave(client: Client, config: ClientConfig): Promise<void> {
  const stream = client.connection.stream as Socket;
  const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
  // Read once it has stopped.
  stream.write(TERMINATE);
  void requestCancel(client, config, MOST_MILLIS);
  await Promise.race([closed, sleep(MOST_MILLIS, undefined, { ref: false })]);
  stream.destroy();
}
