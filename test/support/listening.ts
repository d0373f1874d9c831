import { connect } from "node:net";

/** Whether somebody takes connections at a port of this machine. */
export async function listening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const answer = new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  return answer.finally(() => socket.destroy());
}
