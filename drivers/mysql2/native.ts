/** What of mysql2 is used here, and its types leave out. */
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { Connection, FieldPacket, QueryError } from "mysql2";

/** With the socket, which is a public property, and what the server greeted it with. */
export type Native = Connection & {
  readonly stream: Socket;
  readonly _handshakePacket?: Hello | null;
  /** At first the one that shakes hands: it has heard the greeting, when there was one. */
  readonly _command?: { readonly handshake?: Hello | null } | null;
};

interface Hello {
  readonly serverVersion?: string;
}

/** A command of mysql2: an emitter, that streams when it was given no callback. */
export interface Command {
  on(event: "fields", listener: (fields: FieldPacket[] | undefined) => void): Command;
  on(event: "error", listener: (error: QueryError) => void): Command;
  on(event: "end", listener: () => void): Command;
  stream(options: { highWaterMark: number }): Readable;
}

export type Callback = (error: QueryError | null, answer: unknown, fields: FieldPacket[]) => void;
