import { connect } from "node:net";

/** Whether somebody takes connections at a port of this machine; default at its loopback address. */
export async function listening(port: number, host = "127.0.0.1"): Promise<boolean> {
  const socket = connect(port, host);
  const answer = new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  return answer.finally(() => socket.destroy());
}
