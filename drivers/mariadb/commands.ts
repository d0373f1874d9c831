/**
 * Changes the commands that mariadb makes of a call, before they are sent: the package has no name for an unsigned integer among params, and
 * would send it as a DECIMAL.
 */

/** The unsigned BIGINT of the protocol. */
export const UNSIGNED_BIGINT = 0x8008;

/** What is used of mariadb's inside. */
export interface Internals {
  addCommand(command: Command, expectsAnswer: boolean): void;
}

/** What a command of mariadb writes to. */
interface Output {
  writeBigInt(value: bigint): void;
}

/** COM_STMT_EXECUTE: its types and values are known when it is written. */
interface Command {
  values?: readonly unknown[];
  parametersType?: unknown[];
  sendComStmtExecute?(out: Output, info: unknown): void;
}

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

export function isUnsigned(value: unknown): boolean {
  return typeof value === "bigint" && value >= 2n ** 63n;
}

/** Another mariadb may look different inside: then its commands stay as they are. */
function changed<T>(inside: Internals | undefined, call: () => T, change: (command: Command) => void): T {
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
