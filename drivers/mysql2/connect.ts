/** Opens mysql2's connections, and keeps their secrets. */
import { isIP, type Socket } from "node:net";
import type { ConnectionOptions, TypedParameter } from "mysql2";
import { codeIsFixed } from "../common/code-generation.js";
import { packageMissing, packageTooOld } from "../common/require.js";
import { guardData } from "../common/unreadable.js";
import { onAbort } from "../mysql-family/connect/connect-deadline.js";
import type { Greeting } from "../mysql-family/connect/greeting.js";
import { connectFailure, refusedArguments, whereOf } from "../mysql-family/errors/connect-failure.js";
import { productOf, sentBy } from "../mysql-family/errors/sender.js";
import { Faults } from "../mysql-family/faults.js";
import { showOnlyId } from "../mysql-family/inspect.js";
import { named } from "./errors.js";
import { guardSession } from "./guard.js";
import type { Native } from "./native.js";

export interface Opened {
  readonly native: Native;
  readonly socket: Socket;
  readonly greeting: Greeting;
  /** Makes params of a type that is named. */
  readonly types: TypedParameter;
  readonly faults: Faults;
  readonly names: "mysql";
}

/** Fires once the session is there; an abort or a failure leaves nothing open. */
export async function open(args: ConnectionOptions, signal: AbortSignal): Promise<Opened> {
  const { createConnection, Charsets, TypedParameter: types } = await load();
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    let native: Native;
    try {
      native = createConnection({ disableEval: codeIsFixed(), ...args, connectTimeout: 0 }) as Native;
      (native.stream as Partial<Socket>).unref?.();
    } catch (error) {
      reject(connectFailure(whereOf(args), refusedArguments("mysql2", error)));
      return;
    }
    const handshaking = native._command;
    tellHost(native.stream, args);
    hideSecrets(native);
    const faults = new Faults(() => native.stream);
    const fault = (error: unknown) => faults.tell(error);
    guardSession(native, fault);
    // Never without one: mysql2 emits errors later than it calls back.
    native.on("error", () => {});
    const stop = onAbort(signal, (reason) => {
      native.stream.destroy();
      reject(reason);
    });
    native.connect((error) => {
      stop();
      if (error === null) {
        const { charsetNumber } = native.config as unknown as { readonly charsetNumber: number };
        const greeting = {
          id: native.threadId,
          version: native._handshakePacket?.serverVersion,
          collation: Object.entries(Charsets)
            .find(([, number]) => number === charsetNumber)?.[0]
            .toLowerCase(),
        };
        // The one above TLS, where there is one.
        guardData(native.stream, fault);
        return resolve({ native, socket: native.stream, greeting, types, faults, names: "mysql" });
      }
      native.stream.destroy();
      const product = productOf(handshaking?.handshake?.serverVersion);
      reject(connectFailure(whereOf(args), sentBy(named(error), product, "mysql")));
    });
  });
}

async function load(): Promise<typeof import("mysql2")> {
  const loaded = await import("mysql2").catch((error: unknown) => {
    throw packageMissing("mysql2", error);
  });
  const mysql2 = loaded.default ?? loaded;
  // Without it whole numbers would be computed with as DOUBLE, and rounded.
  if (mysql2.TypedParameter === undefined)
    throw packageTooOld("mysql2", "3.24.0", "binds integers as integers");
  return mysql2;
}

/**
 * mysql2 leaves it to Node.js to find out whose certificate is to be checked. Node.js asks the socket, which knows
 * names, but no addresses: the certificate would have to be that of localhost.
 */
function tellHost(stream: Socket & { _host?: unknown }, { host, socketPath }: ConnectionOptions): void {
  if (!socketPath && isIP(host ?? "") !== 0) stream._host ??= host;
}

/** mysql2 shows the password where a connection or its configuration is inspected. */
function hideSecrets(native: Native): void {
  for (const name of ["password", "password1", "password2", "password3", "passwordSha1"]) {
    const value = (native.config as unknown as Record<string, unknown>)[name];
    if (value !== undefined) Object.defineProperty(native.config, name, { value, enumerable: false });
  }
  showOnlyId(native, "mysql2");
}
