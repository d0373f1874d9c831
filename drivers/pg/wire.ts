/**
 * The messages of the frontend that statements need, several of them in one buffer, so that a statement is one write.
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import { InterfaceError } from "../../src/errors/classes.js";

/** A param in the form that it travels in: text, or bytes as they are. */
export type Encoded = string | number | boolean | bigint | Buffer | null;

const FIRST_SIZE = 8192;
/** Past this the buffer itself is given away, and not a copy. */
const LARGE = 1 << 18;

const DESCRIBE = Buffer.from([0x44, 0, 0, 0, 6, 0x50, 0]);
const DESCRIBE_STATEMENT = Buffer.from([0x44, 0, 0, 0, 6, 0x53, 0]);
const EXECUTE = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0]);
const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);
const FLUSH = Buffer.from([0x48, 0, 0, 0, 4]);
const NO_TYPES: readonly number[] = [];
const CLOSE_PORTAL = Buffer.from([0x43, 0, 0, 0, 6, 0x50, 0]);

let buffer = Buffer.allocUnsafe(FIRST_SIZE);
let at = 0;

/** The messages that are written from now on are given by `finish`; what was started before, and threw, is dropped. */
export function start(): void {
  at = 0;
}

/** In one buffer. Nothing may be called between `start` and this that could start another. */
export function finish(): Buffer {
  const group = at > LARGE ? buffer.subarray(0, at) : Buffer.from(buffer.subarray(0, at));
  if (buffer.length > LARGE) buffer = Buffer.allocUnsafe(FIRST_SIZE);
  return group;
}

/** A text by the simple protocol, as a group of its own. */
export function query(sql: string): Buffer {
  start();
  const length = open(0x51);
  cstring(sql);
  shut(length);
  return finish();
}

/** The server finds out the types that are not given. */
export function parse(name: string, sql: string, types: readonly number[] = NO_TYPES): void {
  const length = open(0x50);
  cstring(name);
  cstring(sql);
  ensure(2 + 4 * types.length);
  int16(types.length);
  for (const type of types) int32(type);
  shut(length);
}

/** Results are asked for as text, as pg's type parsers want them. */
export function bind(name: string, params: readonly Encoded[], portal = ""): void {
  const count = params.length;
  const length = open(0x42);
  ensure(portal.length + 1 + name.length + 1 + 4 + 2 * count);
  ascii(portal);
  ascii(name);
  formats(params);
  int16(count);
  for (let i = 0; i < count; i++) value(params[i]!);
  ensure(2);
  int16(0);
  shut(length);
}

export function describe(): void {
  fixed(DESCRIBE);
}

/** Asks for the types of the params of the statement without a name. */
export function describeParams(): void {
  fixed(DESCRIBE_STATEMENT);
}

/** Runs the portal, to its end or for at most `rows`. */
export function execute(rows = 0): void {
  fixed(EXECUTE);
  if (rows > 0) buffer.writeUInt32BE(rows, at - 4);
}

/** Runs a portal that has a name to its end, and closes it. */
export function executeNamed(portal: string): void {
  const run = open(0x45);
  ensure(portal.length + 5);
  ascii(portal);
  int32(0);
  shut(run);
  const close = open(0x43);
  ensure(portal.length + 2);
  buffer[at++] = 0x50;
  ascii(portal);
  shut(close);
}

export function sync(): void {
  fixed(SYNC);
}

export function flush(): void {
  fixed(FLUSH);
}

/** Closes a named statement; one that does not exist is no error. */
export function closeStatement(name: string): void {
  const length = open(0x43);
  ensure(name.length + 2);
  buffer[at++] = 0x53;
  ascii(name);
  shut(length);
}

export function closePortal(): void {
  fixed(CLOSE_PORTAL);
}

function formats(params: readonly Encoded[]): void {
  const count = params.length;
  let binary = false;
  for (let i = 0; i < count && !binary; i++) binary = params[i] instanceof Buffer;
  int16(binary ? count : 0);
  for (let i = 0; binary && i < count; i++) int16(params[i] instanceof Buffer ? 1 : 0);
}

function value(param: Encoded): void {
  if (param === null) {
    ensure(4);
    int32(-1);
  } else if (param instanceof Buffer) {
    ensure(4 + param.length);
    int32(param.length);
    at += param.copy(buffer, at);
  } else {
    text(typeof param === "string" ? param : String(param));
  }
}

function text(string: string): void {
  const length = string.length;
  ensure(4 + mostBytes(string));
  if (length < SHORT && writeAscii(string, length, at + 4)) {
    int32(length);
    at += length;
    return;
  }
  const bytes = buffer.write(string, at + 4);
  int32(bytes);
  at += bytes;
}

/** Counted only where a guess would cost memory. */
function mostBytes(string: string): number {
  return string.length < 4096 ? string.length * 3 : Buffer.byteLength(string);
}

/** Below this a loop beats the call into C++. */
const SHORT = 24;

function writeAscii(string: string, length: number, offset: number): boolean {
  for (let i = 0; i < length; i++) {
    const code = string.charCodeAt(i);
    if (code > 0x7f) return false;
    buffer[offset + i] = code;
  }
  return true;
}

function cstring(string: string): void {
  if (string.includes("\0")) throw new InterfaceError("SQL must not hold a NUL character");
  ensure(mostBytes(string) + 1);
  at += buffer.write(string, at);
  buffer[at++] = 0;
}

function ascii(string: string): void {
  const length = string.length;
  for (let i = 0; i < length; i++) buffer[at++] = string.charCodeAt(i);
  buffer[at++] = 0;
}

function open(type: number): number {
  ensure(5);
  buffer[at] = type;
  at += 5;
  return at - 4;
}

function shut(start: number): void {
  const length = at - start;
  buffer[start] = length >>> 24;
  buffer[start + 1] = length >>> 16;
  buffer[start + 2] = length >>> 8;
  buffer[start + 3] = length;
}

function fixed(message: Buffer): void {
  const length = message.length;
  ensure(length);
  for (let i = 0; i < length; i++) buffer[at++] = message[i]!;
}

function int16(number: number): void {
  buffer[at++] = number >>> 8;
  buffer[at++] = number;
}

function int32(number: number): void {
  buffer[at++] = number >>> 24;
  buffer[at++] = number >>> 16;
  buffer[at++] = number >>> 8;
  buffer[at++] = number;
}

function ensure(size: number): void {
  if (at + size <= buffer.length) return;
  const larger = Buffer.allocUnsafe(buffer.length * 2 + size);
  buffer.copy(larger, 0, 0, at);
  buffer = larger;
}
