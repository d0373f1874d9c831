/** mysql2's part of scripts. It has no COM_SET_OPTION: a ping lends the command that waits for the answer. */
import { type Answers, type Scripts, setOption } from "../mysql-family/scripts.js";
import { OWN } from "../mysql-family/values/result.js";
import { guardRows } from "./guard.js";
import type { Native } from "./native.js";
import { aliasUnsafeNames } from "./rows.js";

/** What is used of the inside of a connection and its commands. */
interface Inside {
  readonly config: { readonly multipleStatements?: boolean };
  addCommand(command: Ping): unknown;
  writePacket(packet: { readonly buffer: Buffer; length(): number; writeHeader(id: number): void }): void;
}

interface Ping {
  start: unknown;
  readonly pingResponse: unknown;
}

interface Script {
  /** Of the answer that is being read. */
  readonly _resultIndex: number;
  on(event: "fields", listener: (fields: never[] | undefined) => void): Script;
  on(event: "error", listener: (error: Error) => void): Script;
  on(event: "end", listener: () => void): Script;
}

export class Mysql2Scripts implements Scripts {
  readonly #native: Native;

  constructor(native: Native) {
    this.#native = native;
  }

  allow(several: boolean, done: (error: unknown) => void): void {
    const inside = this.#native as unknown as Inside;
    if (inside.config.multipleStatements === true) {
      done(null);
      return;
    }
    const add = inside.addCommand;
    inside.addCommand = (command) => {
      inside.addCommand = add;
      command.start = (_: unknown, connection: Inside) => {
        const buffer = setOption(several);
        const writeHeader = (id: number) => buffer.writeUInt8(id, 3);
        connection.writePacket({ buffer, length: () => buffer.length, writeHeader });
        return command.pingResponse;
      };
      return add.call(inside, command);
    };
    try {
      this.#native.ping(done as never);
    } finally {
      inside.addCommand = add;
    }
  }

  run(sql: string, done: (error: Error | null, answers: Answers) => void): void {
    let rows = false;
    let failure: Error | null = null;
    // Without a callback rows are told, and not kept.
    const script = this.#native.query({ sql, ...OWN }) as unknown as Script;
    guardRows(script);
    script
      .on("fields", (fields) => {
        aliasUnsafeNames(fields);
        rows ||= Array.isArray(fields);
      })
      .on("error", (error) => {
        failure ??= error;
      })
      .on("end", () => done(failure, { count: script._resultIndex, rows }));
  }
}
