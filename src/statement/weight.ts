/**
 * About how many bytes it holds. What a type parser has made may refer to itself: only the upper levels are looked at.
 * @param levels of objects within objects
 * @param enough beyond this nothing more is counted
 */
export function weightOf(value: unknown, levels: number, enough = Number.POSITIVE_INFINITY): number {
  if (typeof value === "string") return value.length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== "object" || !value || levels <= 0) return 8;
  let sum = 8;
  for (const part of Object.values(value)) {
    sum += weightOf(part, levels - 1, enough - sum);
    if (sum > enough) break;
  }
  return sum;
}
