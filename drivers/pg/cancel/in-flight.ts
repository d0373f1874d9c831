/** Stops a statement that is in flight, once the server works on it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientConfig } from "pg";
import type { Execution } from "../execution.js";
import { requestCancel } from "./request.js";

/** A first request is made again after so long, and the next ones after twice as long each. */
const PAUSE_MILLIS = 20;

/**
 * Fires when it has settled. What stands behind others cannot be withdrawn, and a request would hit the one ahead: it
 * waits.
 */
export async function cancelInFlight(
  execution: Execution,
  inFlight: readonly Execution[],
  client: Client,
  config: ClientConfig,
): Promise<void> {
  while (inFlight[0] !== execution && !execution.done) await moved(execution);
  // A request on its own connection can overtake the statement, and then stops nothing: it is made again.
  for (let pause = PAUSE_MILLIS; !execution.done; pause *= 2) {
    mayHit(inFlight);
    await requestCancel(client, config).catch(ignore);
    mayHit(inFlight);
    if (!execution.done) await Promise.race([moved(execution), sleep(pause, undefined, { ref: false })]);
  }
}

/** The server cancels whatever it works on when the request arrives. */
function mayHit(inFlight: readonly Execution[]): void {
  for (const execution of inFlight) execution.asked = true;
}

/** Fires when it has settled, or becomes the one that the server works on. */
function moved(execution: Execution): Promise<void> {
  return new Promise((resolve) => {
    const also = execution.onHead;
    execution.onHead = () => {
      also?.();
      resolve();
    };
  });
}

function ignore(): void {}
