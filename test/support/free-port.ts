import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the range from which systems take the ports of outgoing connections: a client that tries and tries while the
 * server is down could otherwise be given that very port, and keep the server from coming back.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    try {
      await once(probe.listen(port, "127.0.0.1"), "listening");
      return port;
    } catch {
      // taken
    } finally {
      await new Promise((done) => probe.close(done));
    }
  }
  throw new Error("No free port between 20000 and 32000");
}
