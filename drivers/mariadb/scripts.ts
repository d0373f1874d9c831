/** mariadb's part of scripts. It has no COM_SET_OPTION: a ping lends the command that waits for the answer. */
import { NotSupportedError } from "../../src/errors/classes.js";
import type { ServerError } from "../mysql-family/errors/server-error.js";
import { type Answers, type Scripts, setOption } from "../mysql-family/scripts.js";
import { OWN } from "../mysql-family/values/result.js";
import { changed } from "./commands.js";
import type { Command, Internals, Native } from "./native.js";

interface Ping {
  onPacketReceive: unknown;
  start(out: { fastFlush(command: Ping, packet: Buffer): void }): void;
  emit(event: "send_end"): void;
  successEnd(value: null): void;
  throwError(error: unknown, info: unknown): void;
}

interface Packet {
  peek(): number;
  readError(info: unknown, sql: string, stack: undefined): unknown;
}

interface Script {
  /** Of the answer that is being read. */
  readonly _responseIndex: number;
  /** Of each answer so far its rows, or what was written. */
  readonly _rows: readonly unknown[];
}

const ERROR = 0xff;

export class MariadbScripts implements Scripts {
  readonly #native: Native;
  readonly #inside: Internals | undefined;

  constructor(native: Native, inside: Internals | undefined) {
    this.#native = native;
    this.#inside = inside;
  }

  allow(several: boolean, done: (error: unknown) => void): void {
    const inside = this.#inside;
    const { multipleStatements } = (inside?.opts ?? {}) as { readonly multipleStatements?: boolean };
    if (multipleStatements === true) {
      done(null);
      return;
    }
    if (typeof inside?.addCommand !== "function") {
      done(new NotSupportedError("this version of mariadb cannot be told to run scripts"));
      return;
    }
    const ping = () => this.#native.ping(done);
    changed(inside, ping, (command) => becomeSetOption(command as unknown as Ping, several));
  }

  run(sql: string, done: (error: ServerError | null | undefined, answers: Answers) => void): void {
    let script: Script | undefined;
    const answered = (error: ServerError | null | undefined) => {
      const { _responseIndex: count = 0, _rows = [] } = script ?? {};
      done(error, { count, rows: _rows.some(Array.isArray) });
    };
    const query = () => this.#native.query({ sql, ...OWN }, answered);
    changed(this.#inside, query, (command: Command) => {
      script = command as unknown as Script;
    });
  }
}

function becomeSetOption(command: Ping, several: boolean): void {
  command.start = (out) => {
    command.onPacketReceive = (packet: Packet, _out: unknown, _opts: unknown, info: unknown) => {
      if (packet.peek() === ERROR)
        command.throwError(packet.readError(info, "COM_SET_OPTION", undefined), info);
      else command.successEnd(null);
    };
    out.fastFlush(command, setOption(several));
    command.emit("send_end");
  };
}
