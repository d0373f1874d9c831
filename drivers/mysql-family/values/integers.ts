/** Which params are integers to MySQL and MariaDB: arithmetic with them is exact, and text gets their digits. */

/** The types of the server's own integer literals: 32 bits, 64, and 64 without a sign. */
export type IntegerKind = "int" | "bigint" | "unsigned";

/** Undefined for what is no whole number, or is beyond 64 bits. -0 is 0, as it is in text. */
export function integerKind(value: unknown): IntegerKind | undefined {
  if (typeof value === "number") {
    if (!Number.isInteger(value)) return undefined;
    if (value >= -(2 ** 31) && value < 2 ** 31) return "int";
    if (value >= -(2 ** 63) && value < 2 ** 63) return "bigint";
    return value >= 0 && value < 2 ** 64 ? "unsigned" : undefined;
  }
  if (typeof value !== "bigint") return undefined;
  return value < 2n ** 63n ? "bigint" : "unsigned";
}
