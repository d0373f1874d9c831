/** Opens mariadb's connections, with a socket of our own, since the package does not show its own. */

import { connect as connectSocket, type Socket } from "node:net";
import type { ConnectionConfig } from "mariadb";
import { packageMissing } from "../common/require.js";
import { onAbort } from "../mysql-family/connect/connect-deadline.js";
import type { Greeting } from "../mysql-family/connect/greeting.js";
import { connectFailure, refusedArguments, whereOf } from "../mysql-family/errors/connect-failure.js";
import { productOf, sentBy } from "../mysql-family/errors/sender.js";
import { Faults } from "../mysql-family/faults.js";
import { showOnlyId } from "../mysql-family/inspect.js";
import { guard } from "./guard.js";
import { type Internals, internalsOf, type Native } from "./native.js";

export interface Opened {
  readonly native: Native;
  readonly socket: Socket;
  readonly greeting: Greeting;
  readonly faults: Faults;
  readonly names: "mariadb";
  /** Undefined where another mariadb looks different inside. */
  readonly inside: Internals | undefined;
}

/** Fires once the session is there; an abort or a failure leaves nothing open. */
export async function open(args: ConnectionConfig, signal: AbortSignal): Promise<Opened> {
  const { createConnection } = await load();
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    let native: Native;
    const faults = new Faults(() => socket);
    const { socketPath, ...rest } = args;
    let inside: Internals | undefined;
    let begin: Ready = () => {};
    // mariadb gets its socket when it is guarded.
    const stream = (ready: Ready): void => {
      begin = (error, made) => {
        socket = made?.unref();
        ready(error, made);
      };
    };
    try {
      native = createConnection({ ...rest, connectTimeout: 0, stream: stream as never }) as unknown as Native;
      showOnlyId(native, "mariadb");
      inside = internalsOf(native);
      if (inside !== undefined) guard(inside, (error) => faults.tell(error));
      const made = typeof args.stream === "function" ? (args.stream as MakeStream)(begin) : newSocket(args);
      if (made !== undefined) begin(null, made);
    } catch (error) {
      socket?.destroy();
      reject(connectFailure(whereOf(args), refusedArguments("mariadb", error)));
      return;
    }
    const stop = onAbort(signal, (reason) => {
      socket?.destroy();
      reject(reason);
    });
    native.connect((error) => {
      stop();
      if (!error) {
        const { collation } = native.info;
        const greeting = {
          id: native.threadId,
          version: native.serverVersion(),
          collation: collation?.name.toLowerCase(),
        };
        return resolve({ native, socket: socket!, greeting, faults, inside, names: "mariadb" });
      }
      socket?.destroy();
      const product = productOf(native.info.serverVersion?.raw);
      reject(connectFailure(whereOf(args), sentBy(error, product, "mariadb")));
    });
  });
}

/** mariadb's `stream` option: what it returns counts, or what it calls back with. */
type MakeStream = (ready: Ready) => Socket | undefined;
type Ready = (error: unknown, made: Socket | undefined) => void;

function newSocket({ socketPath, host, port }: ConnectionConfig): Socket {
  if (socketPath !== undefined) return connectSocket(socketPath);
  return connectSocket(Number(port ?? 3306), host ?? "localhost").setNoDelay(true);
}

async function load(): Promise<typeof import("mariadb/callback")> {
  try {
    return await import("mariadb/callback");
  } catch (error) {
    throw packageMissing("mariadb", error);
  }
}
