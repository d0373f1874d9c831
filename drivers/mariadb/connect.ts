/** Opens mariadb's connections, with a socket of our own, since the package does not show its own. */

import { connect as connectSocket, type Socket } from "node:net";
import type { Readable } from "node:stream";
import type { ConnectionConfig } from "mariadb";
import { packageMissing } from "../common/require.js";
import { onAbort } from "../mysql-family/connect-deadline.js";
import { productOf, sentBy } from "../mysql-family/error-numbers.js";
import { connectFailure, refusedArguments, type ServerError, whereOf } from "../mysql-family/errors.js";
import { Faults } from "../mysql-family/faults.js";
import type { Greeting } from "../mysql-family/greeting.js";
import { showOnlyId } from "../mysql-family/inspect.js";
import type { Internals } from "./commands.js";
import { guard, type Inside, insideOf } from "./guard.js";

type Done = (error: ServerError | null | undefined) => void;
export type Answer = (error: ServerError | null | undefined, answer?: unknown, meta?: unknown) => void;

/** What mariadb has heard of the server. */
export interface ServerInfo {
  readonly collation?: { readonly name: string };
  readonly status: number;
  readonly serverCapabilities: bigint;
  /** Once it has greeted. */
  readonly serverVersion?: { readonly raw: string } | undefined;
  isMariaDB(): boolean;
  hasMinVersion(major: number, minor: number, patch: number): boolean;
}

/** What of mariadb's callback API is used here: its types leave half of it out. */
export interface Native {
  readonly threadId: number | null;
  readonly info: ServerInfo;
  serverVersion(): string;
  connect(callback: Done): void;
  query(options: { sql: string } & RowOptions, callback: Answer): void;
  execute(options: { sql: string } & RowOptions, values: readonly unknown[], callback: Answer): void;
  queryStream(options: { sql: string } & RowOptions): Readable;
  prepare(sql: string, callback: (error: ServerError | null | undefined, prepared: Prepared) => void): void;
  ping(callback: Done): void;
  reset(callback: Done): void;
  end(callback: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  once(event: "newListener", listener: (this: unknown) => void): void;
}

interface RowOptions {
  rowsAsArray: boolean;
  typeCast?: unknown;
}

export interface Prepared {
  readonly parameterCount: number;
  readonly id: unknown;
  readonly query: string;
  readonly columns: unknown;
  readonly conn?: Internals;
  execute(values: readonly unknown[], options: { rowsAsArray: boolean }, callback: Answer): void;
  executeStream(values: readonly unknown[], options: { rowsAsArray: boolean }): Readable;
  close(): void;
}

export interface Opened {
  readonly native: Native;
  readonly socket: Socket;
  readonly greeting: Greeting;
  readonly faults: Faults;
  readonly names: "mariadb";
  /** Undefined where another mariadb looks different inside. */
  readonly inside: Inside | undefined;
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
    let inside: Inside | undefined;
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
      inside = insideOf(native);
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
