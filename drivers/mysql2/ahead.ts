/**
 * Sends commands ahead of the answers to those before them. mysql2 writes a command when the one before it is answered,
 * and a server works off what lies in its socket one by one: sent early, many travel in one packet, and no round trip
 * passes between them. Which servers do is decided in `drivers/mysql-family/connect/greeting.ts`.
 */
import { Cork } from "../common/cork.js";
import type { Native } from "./native.js";

/** What mysql2 calls a packet that it has made. */
interface Packet {
  readonly buffer: Uint8Array;
  length(): number;
  writeHeader(sequenceId: number): void;
}

/** The state that a command goes on in when a packet comes; null when it is over. */
type NextState = ((packet: unknown, connection: Internals) => NextState) | null;

/** A command of mysql2. It is started when its turn has come, which writes its packet. */
interface Command {
  start(packet: unknown, connection: Internals): NextState;
  _connection?: unknown;
}

/** What is used of mysql2's inside. */
interface Internals {
  readonly _command: Command | null | undefined;
  readonly _commands: { readonly length: number; peekAt(index: number): Command | undefined };
  readonly _paused: boolean;
  writePacket(packet: Packet): void;
  write(buffer: Uint8Array): void;
  _bumpSequenceId(packets: number): void;
}

/** A larger packet waits for its turn: it would have to be cut. */
const LARGE = 1 << 20;

export class Ahead {
  readonly #native: Native;
  readonly #inside: Internals;
  readonly #cork = new Cork();
  /** Whether this mysql2 lets itself be made to. */
  readonly possible: boolean;
  /** Those in mysql2's line that may be sent before their turn. */
  readonly #willing = new WeakSet<Command>();
  /** Those that were. They stand at its front. */
  readonly #sent = new WeakSet<Command>();

  constructor(native: Native) {
    this.#native = native;
    this.#inside = native as unknown as Internals;
    this.possible = isKnown(this.#inside) && !(native.config as { readonly compress?: boolean }).compress;
  }

  /**
   * `make` gives a command to mysql2, and returns it. It is sent at once if all before it have been: they are answered
   * in that order.
   */
  send<C>(make: () => C): C {
    if (!this.possible) return make();
    this.#cork.hold(this.#native.stream);
    const made = make();
    const command = made as Command | undefined;
    if (command !== undefined && command !== this.#inside._command) {
      this.#willing.add(command);
      this.#sendLine();
    }
    return made;
  }

  /**
   * Commands behind one that had to wait for its turn are sent with the next command, if that turn has come
   * meanwhile; else they wait on.
   */
  #sendLine(): void {
    const line = this.#inside._commands;
    let at = line.length;
    while (at > 0 && !this.#sent.has(line.peekAt(at - 1)!)) at--;
    while (at < line.length && this.#start(line.peekAt(at)!)) at++;
  }

  /** Whether those behind it may go too. */
  #start(command: Command): boolean {
    const inside = this.#inside;
    // A command is started once: what is too large stays so.
    if (inside._paused || !this.#willing.delete(command)) return false;
    let written = false;
    const writePacket = (packet: Packet): void => {
      if (packet.length() > LARGE) return;
      packet.writeHeader(0);
      inside.write(packet.buffer);
      written = true;
    };
    const next = command.start(undefined, Object.create(inside, { writePacket: { value: writePacket } }));
    command._connection = inside;
    // Without a next state it has failed, and has said so.
    if (!written && next !== null) return false;
    this.#sent.add(command);
    command.start = (_packet, connection) => {
      connection._bumpSequenceId(1);
      return next;
    };
    return true;
  }
}

/** Another mysql2 may look different inside: then its commands wait for their turn. */
function isKnown(inside: Partial<Internals>): boolean {
  const { _commands, write, writePacket, _bumpSequenceId } = inside;
  return (
    "_command" in inside &&
    "_paused" in inside &&
    [_commands?.peekAt, write, writePacket, _bumpSequenceId].every((each) => typeof each === "function")
  );
}
