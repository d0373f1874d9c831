/** Opens mariadb's connections, with a socket of our own, since the package does not show its own. */
import { connect as connectSocket, type Socket } from "node:net";
import type { ConnectionConfig } from "mariadb";
import type { Connection } from "mariadb/callback";
import { InterfaceError } from "../../src/errors.js";
import { connectFailure, whereOf } from "../mysql-family/errors.js";

/** What of mariadb is used here and missing from its types. */
export type Native = Connection & {
  readonly info: { readonly status: number };
  connect(callback: (error: Error | null | undefined) => void): void;
};

export interface Opened {
  readonly native: Native;
  readonly socket: Socket;
}

/** Fires once the session is there; an abort or a failure leaves nothing open. */
export async function open(args: ConnectionConfig, signal: AbortSignal): Promise<Opened> {
  const { createConnection } = await load();
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    let native: Native;
    const { socketPath, ...rest } = args;
    const stream = (): Socket => {
      socket = socketPath === undefined ? overTcp(args) : connectSocket(socketPath);
      return socket;
    };
    try {
      native = createConnection({ ...rest, stream: stream as never }) as Native;
    } catch (error) {
      reject(connectFailure(whereOf(args), error));
      return;
    }
    hideSecrets(native);
    native.on("error", () => {});
    const abort = (): void => {
      socket?.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    native.connect((error) => {
      signal.removeEventListener("abort", abort);
      if (error === null || error === undefined) return resolve({ native, socket: socket! });
      socket?.destroy();
      reject(connectFailure(whereOf(args), error));
    });
  });
}

/** Runs one statement on a session of its own, within a bounded time. */
export async function aside(args: ConnectionConfig, sql: string): Promise<void> {
  const signal = AbortSignal.timeout(CONTROL_MILLIS);
  const { native, socket } = await open(args, signal);
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      native.query(sql, (error: unknown) => (error ? reject(error) : resolve()));
    });
  } finally {
    socket.destroy();
  }
}

/** Longest that a KILL may take, with its own connection. */
const CONTROL_MILLIS = 10_000;

function overTcp(args: ConnectionConfig): Socket {
  const socket = connectSocket(args.port ?? 3306, args.host ?? "localhost");
  return socket.setNoDelay(true);
}

async function load(): Promise<typeof import("mariadb/callback")> {
  try {
    return await import("mariadb/callback");
  } catch (error) {
    throw new InterfaceError("The mariadb driver needs its package: npm install mariadb", { cause: error });
  }
}

function hideSecrets(native: Native): void {
  Object.defineProperty(native, Symbol.for("nodejs.util.inspect.custom"), {
    value: () => `mariadb Connection { threadId: ${native.threadId} }`,
    enumerable: false,
  });
}
