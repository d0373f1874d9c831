import type { Socket } from "node:net";
import type { Connection } from "mysql2";

/** mysql2's types leave its socket out, which it shows to everyone, and what the server greeted it with. */
export type Native = Connection & {
  readonly stream: Socket;
  readonly _handshakePacket?: Hello | null;
  /** At first the one that shakes hands: it has heard the greeting, when there was one. */
  readonly _command?: { readonly handshake?: Hello | null } | null;
};

interface Hello {
  readonly serverVersion?: string;
}
