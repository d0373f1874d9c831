/** The key that an INSERT generated: zero is none, and beyond 2^53 the packages give a string or a bigint. */
export function generatedKey(insertId: number | bigint | string): number | bigint | undefined {
  const key = Number(insertId);
  if (key === 0) return undefined;
  return Number.isSafeInteger(key) ? key : BigInt(insertId);
}
