import { encoded, type Lot } from "./bulk/lots.js";
import { UNSIGNED_BIGINT } from "./bulk/param-types.js";
import type { Answer, Command, Internals, Output, Prepared, ServerInfo } from "./native.js";

const UNSIGNED = {
  type: UNSIGNED_BIGINT,
  encoder: (out: Output, value: bigint): void => out.writeBigInt(BigInt.asIntN(64, value)),
  isLongData: () => false,
};

/** Has `call` give a command to mariadb, which sends the large integers among its params as what they are. */
export function withUnsigned<T>(inside: Internals | undefined, values: readonly unknown[], call: () => T): T {
  if (!values.some(isUnsigned)) return call();
  return changed(inside, call, (command) => {
    const send = command.sendComStmtExecute;
    if (send === undefined) return;
    command.sendComStmtExecute = (out, info) => {
      const types = command.parametersType ?? [];
      for (const [at, value] of (command.values ?? []).entries()) {
        if (isUnsigned(value)) types[at] = UNSIGNED;
      }
      send.call(command, out, info);
    };
  });
}

/**
 * Has `call` open a stream. One that could not be sent has no reader, and ends with the session: its error then must
 * not end the process.
 */
export function streaming<T>(inside: Internals | undefined, values: readonly unknown[], call: () => T): T {
  let made: Command | undefined;
  try {
    return changed(
      inside,
      () => withUnsigned(inside, values, call),
      (command) => {
        made = command;
      },
    );
  } catch (error) {
    made?.inStream?.on("error", () => {});
    throw error;
  }
}

/** What the server and the connection's options must allow for it. */
const BULK_OPERATIONS = 1n << 34n;

export function canBulk(info: ServerInfo): boolean {
  return info.isMariaDB() && info.hasMinVersion(10, 2, 7) && (info.serverCapabilities & BULK_OPERATIONS) > 0n;
}

/** Sends a lot as one packet, under its own head. */
export function bulk(prepared: Prepared, lot: Lot, answered: Answer): void {
  const { conn, id, parameterCount, columns } = prepared;
  // The handle is used again, and mariadb would close it.
  const kept = { id, parameterCount, columns, close: () => {} };
  const param = { sql: prepared.query, values: encoded(lot), opts: { fullResult: false } as const };
  const call = () =>
    conn!.executeBulkPromise!(
      param,
      kept,
      conn!.opts,
      (answer) => answered(null, answer),
      (error) => answered(error),
    );
  changed(conn, call, (command) => {
    command.parameterHeaderFromValue = () => lot.types!;
    command.checkSameHeader = () => true;
  });
}

/** Whether this mariadb lets itself be made to. */
export function knowsBulk({ conn }: Prepared): boolean {
  return typeof conn?.addCommand === "function" && typeof conn.executeBulkPromise === "function";
}

export function isUnsigned(value: unknown): boolean {
  return typeof value === "bigint" && value >= 2n ** 63n;
}

/** Another mariadb may look different inside: then its commands stay as they are. */
export function changed<T>(
  inside: Internals | undefined,
  call: () => T,
  change: (command: Command) => void,
): T {
  if (typeof inside?.addCommand !== "function") return call();
  const add = inside.addCommand;
  const changing = (command: Command, expectsAnswer: boolean): void => {
    inside.addCommand = add;
    change(command);
    add.call(inside, command, expectsAnswer);
  };
  inside.addCommand = changing;
  try {
    return call();
  } finally {
    // mariadb puts another in its place when the connection ends.
    if (inside.addCommand === changing) inside.addCommand = add;
  }
}
