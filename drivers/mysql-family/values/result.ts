/**
 * How rows of the driver's own statements come, in both packages: what the user has to read values with is not asked.
 */
export const OWN = {
  rowsAsArray: true,
  typeCast: (_column: unknown, read: () => unknown) => read(),
} as const;

/**
 * The key that an INSERT generated: zero is none, and beyond 2^53 the packages give a string or a bigint, with a sign.
 */
export function generatedKey(insertId: number | bigint | string): number | bigint | undefined {
  const key = Number(insertId);
  if (key === 0) return undefined;
  if (key > 0 && Number.isSafeInteger(key)) return key;
  return BigInt.asUintN(64, BigInt(insertId));
}

/**
 * The server sends 64 bits, and not whether the first is a sign: a generated key has none, but -1 that a caller stored
 * looks the same.
 */
export function isDoubtful(key: number | bigint | undefined): key is bigint {
  return typeof key === "bigint" && key >= 2n ** 63n;
}
