/**
 * Lots of params for COM_STMT_BULK_EXECUTE, each of which mariadb sends as one packet: it splits where types change or a packet is
 * full, sends all of the packets at once, and so would go on behind a failure.
 */
const MAX_BYTES = 512 * 1024;

/** In order, none empty; a row that bulk cannot carry is a lot of its own. */
export function* lots(rows: readonly (readonly unknown[])[]): Generator<unknown[][]> {
  let lot: unknown[][] = [];
  let shape: string | undefined;
  let bytes = 0;
  for (const row of rows) {
    const own = shapeOf(row);
    const size = sizeOf(row);
    if (lot.length > 0 && (own === undefined || own !== shape || bytes + size > MAX_BYTES)) {
      yield lot;
      lot = [];
      bytes = 0;
    }
    lot.push([...row]);
    shape = own;
    bytes += size;
  }
  if (lot.length > 0) yield lot;
}

/** The types that stand once at the head of a packet; undefined where mariadb compares them wrongly (dates, large integers). */
function shapeOf(row: readonly unknown[]): string | undefined {
  let shape = "";
  for (const value of row) {
    const letter = letterOf(value);
    if (letter === undefined) return undefined;
    shape += letter;
  }
  return shape;
}

function letterOf(value: unknown): string | undefined {
  if (typeof value === "string") return "s";
  if (typeof value === "number")
    return Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31 - 1 ? "i" : "d";
  if (typeof value === "boolean") return "b";
  if (typeof value === "bigint") return value < 2n ** 63n ? "l" : undefined;
  if (Buffer.isBuffer(value)) return "x";
  return value === null ? "n" : undefined;
}

function sizeOf(row: readonly unknown[]): number {
  let bytes = 0;
  for (const value of row)
    bytes += typeof value === "string" ? value.length * 3 : Buffer.isBuffer(value) ? value.length : 9;
  return bytes;
}
