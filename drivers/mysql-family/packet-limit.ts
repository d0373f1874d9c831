/** What is too large for the server is not sent: it would hang up, now and then before it has said why. */
import { OperationalError } from "../../src/errors/classes.js";
import type { Params, Statement } from "../driver.js";

/** Room for the heads of a packet, and of each param. */
const HEAD = 64;

/** The error for a statement beyond max_allowed_packet: its text and its params travel apart. */
export function excess({ sql, params }: Statement, limit: number): OperationalError | undefined {
  const bytes = bytesOf(params, limit);
  const largest = Math.max(bytes, HEAD + sizeOf(sql, limit));
  if (largest <= limit) return undefined;
  return new OperationalError(
    `the statement takes some ${largest} bytes, and the server's max_allowed_packet is ${limit}: raise that, or send less at once`,
    { code: "ER_NET_PACKET_TOO_LARGE", sqlState: "08S01", sql: sql.length > limit ? undefined : sql },
  );
}

/** About how large these are on their way, and never much less than beyond the limit. */
export function bytesOf(params: Params | undefined, limit: number): number {
  let bytes = HEAD;
  if (Array.isArray(params)) {
    for (const param of params) bytes += HEAD + sizeOf(param, limit);
  }
  return bytes;
}

function sizeOf(value: unknown, limit: number): number {
  if (typeof value === "string") {
    // Three bytes at the most for a unit of UTF-16: few texts need counting.
    return value.length * 3 < limit / 2 ? value.length : Buffer.byteLength(value);
  }
  return ArrayBuffer.isView(value) ? value.byteLength : 0;
}
