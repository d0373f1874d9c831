/** better-sqlite3's errors: those with a code are SQLite's; its own have none, and are known by their text. */
import { classify as classifyCode } from "../sqlite-family/errors.js";

const OWN: readonly (readonly [RegExp, string])[] = [
  [/more than one statement/, "ProgrammingError"],
  [/contains no statements/, "ProgrammingError"],
  [/parameter/, "ProgrammingError"],
  [/does not return data|returns data/, "ProgrammingError"],
  [/too big|too large|BigInt|out of range|can only bind/i, "DataError"],
  [/directory does not exist/, "OperationalError"],
  [/busy executing/, "InterfaceError"],
  [/connection is not open/, "OperationalError"],
];

export function classify(error: unknown): string | undefined {
  const byCode = classifyCode(error);
  if (byCode !== undefined || !(error instanceof Error)) return byCode;
  if ((error as NodeJS.ErrnoException).code === "ERR_DLOPEN_FAILED") return "OperationalError";
  return error instanceof TypeError || error instanceof RangeError
    ? OWN.find(([text]) => text.test(error.message))?.[1]
    : undefined;
}
