/** One session. */
import type { Client, ClientConfig } from "pg";
import { ConnectionLost, InterfaceError, TransactionAborted } from "../../src/errors.js";
import type {
  ConnectOptions,
  DriverConnection,
  Params,
  Result,
  SessionState,
  Statement,
  TransactionOptions,
} from "../driver.js";
import { conceal, factsOf } from "./errors.js";
import { copyRefused, Execution } from "./execution.js";
import { INT8_ARRAY, int64Parsers } from "./int64.js";
import type { GetParser } from "./rows.js";
import { type Named, Statements } from "./statements.js";
import * as wire from "./wire.js";

type Prepare = (value: unknown) => string | Buffer | null;

export class PgConnection implements DriverConnection {
  readonly native: Client;
  readonly getParser: GetParser;
  readonly config: ClientConfig;
  readonly #prepareValue: Prepare;
  readonly #statements: Statements | undefined;
  readonly #onLost: (error: unknown) => void;
  /** Sent and not yet settled, in the order of their answers. */
  readonly #inFlight: Execution[] = [];
  #life: "opening" | "open" | "closing" | "lost" = "opening";
  #corked = false;

  constructor(client: Client, config: ClientConfig, options: ConnectOptions, prepareValue: Prepare) {
    const { settings, onLost } = options;
    this.native = client;
    this.config = config;
    this.#prepareValue = prepareValue;
    this.#onLost = onLost;
    this.#statements = settings.prepare ? new Statements() : undefined;
    if (settings.int64 !== "driver") {
      const parsers = int64Parsers(
        settings.int64,
        client.getTypeParser(INT8_ARRAY as number) as (text: string) => unknown,
      );
      for (const [oid, parser] of parsers) client.setTypeParser(oid, parser);
    }
    this.getParser = (oid) => client.getTypeParser(oid) as (text: string) => unknown;
    // pg reports a loss up to twice, and an 'error' that nobody hears ends the process.
    client.on("error", (error) => this.#lost(error));
    client.on("end", () => this.#lost(new Error("Connection terminated")));
  }

  get id(): number | undefined {
    return (this.native as Client & { readonly processID: number | null }).processID ?? undefined;
  }

  get state(): SessionState {
    if (this.#life !== "open") return "broken";
    if (this.#inFlight.length > 0) return "unknown";
    return this.native.getTransactionStatus() === "I" ? "idle" : "in transaction";
  }

  async opened(): Promise<void> {
    await this.native.connect();
    if (this.#life !== "opening") throw new ConnectionLost("the connection was lost as soon as it was open");
    this.#life = "open";
  }

  execute(statement: Statement): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#run(statement, undefined, resolve, reject);
    });
  }

  begin(options: TransactionOptions): Promise<void> {
    return this.#command(beginText(options)).then(ignore);
  }

  beginWith(options: TransactionOptions, statement: Statement): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#run(statement, beginText(options), resolve, reject);
    });
  }

  async commit(): Promise<void> {
    const { tag } = await this.#command("COMMIT");
    if (tag !== "ROLLBACK") return;
    throw new TransactionAborted(
      "the transaction was not committed: one of its statements had failed, so the server rolled back",
    );
  }

  rollback(): Promise<void> {
    return this.#command("ROLLBACK").then(ignore);
  }

  ping(sql: string): Promise<void> {
    return this.#command(sql).then(ignore);
  }

  async close(): Promise<void> {
    if (this.#life === "open") this.#life = "closing";
    await this.native.end();
  }

  destroy(): void {
    this.#lost(new ConnectionLost("the connection was destroyed"), false);
  }

  ref(): void {
    (this.native as Client & { ref(): void }).ref();
  }

  unref(): void {
    (this.native as Client & { unref(): void }).unref();
  }

  /** For executions: puts the bytes into the socket, all of one tick in one write. */
  send(execution: Execution): void {
    this.#inFlight.push(execution);
    const { stream } = this.native.connection;
    if (!this.#corked) {
      this.#corked = true;
      stream.cork();
      process.nextTick(uncork, this);
    }
    stream.write(execution.bytes);
  }

  /** For executions: they tell their end before they settle. */
  settled(execution: Execution): void {
    const inFlight = this.#inFlight;
    if (inFlight[0] === execution) inFlight.shift();
    else if (inFlight.includes(execution)) inFlight.splice(inFlight.indexOf(execution), 1);
    inFlight[0]?.onHead?.();
  }

  uncork(): void {
    this.#corked = false;
    this.native.connection.stream.uncork();
  }

  #run(
    statement: Statement,
    begin: string | undefined,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
    again = false,
  ): void {
    const { sql, params } = statement;
    if (COPY.test(sql)) throw copyRefused();
    const values = this.#encode(params);
    const entry = again ? undefined : this.#statements?.use(sql);
    const christened = entry !== undefined && this.#statements!.christen(entry);
    const named = entry !== undefined && (christened || entry.ready) ? entry : undefined;
    const name = named?.name ?? "";
    const shape = christened ? undefined : named?.shape;
    let execution: Execution;
    try {
      this.#closeForgotten();
      if (begin !== undefined) {
        wire.parse("", begin);
        wire.bind("", []);
        wire.execute();
      }
      if (shape === undefined) wire.parse(name, sql);
      wire.bind(name, values);
      if (shape === undefined) wire.describe();
      wire.execute();
      wire.sync();
    } catch (error) {
      wire.take();
      if (christened) this.#statements!.forget(entry, name);
      throw error;
    }
    const settle = (error: unknown) => {
      if (error === undefined) {
        if (christened) this.#statements!.ready(entry, name, execution.shape);
        if (execution.tag === "DISCARD ALL" || execution.tag === "DEALLOCATE ALL") this.#statements?.clear();
        resolve(execution.result);
        return;
      }
      if (named !== undefined && this.#disowned(named, name, christened, error)) {
        if (this.state === "idle" && begin === undefined) {
          try {
            return this.#run(statement, undefined, resolve, reject, true);
          } catch (failure) {
            return reject(failure);
          }
        }
      }
      conceal(error, params !== undefined);
      reject(error);
    };
    execution = new Execution(this, wire.take(), settle, statement, shape, begin === undefined ? 0 : 1);
    this.#submit(execution);
  }

  /** Whether the server no longer runs a statement under its name. The name is given up in either case. */
  #disowned(entry: Named, name: string, christened: boolean, error: unknown): boolean {
    const { code, routine, message } = factsOf(error);
    const changed = code === "0A000" && routine === "RevalidateCachedQuery";
    const unknown = code === "26000" && message.includes(name);
    if (christened || changed || unknown || code?.startsWith("42")) this.#statements!.forget(entry, name);
    return changed || unknown;
  }

  /** A statement of the driver's own, or one that may be several, by the simple protocol. */
  #command(sql: string): Promise<Execution> {
    return new Promise((resolve, reject) => {
      wire.query(sql);
      const settle = (error: unknown, execution: Execution) => {
        if (error === undefined) return resolve(execution);
        conceal(error, false);
        reject(error);
      };
      this.#submit(new Execution(this, wire.take(), settle));
    });
  }

  #submit(execution: Execution): void {
    if (this.#life !== "open") {
      throw new ConnectionLost("the connection is closed", { outcome: "not sent" });
    }
    this.native.query(execution as never);
  }

  #closeForgotten(): void {
    if (this.#statements === undefined) return;
    for (const name of this.#statements.takeForgotten()) wire.closeStatement(name);
  }

  #encode(params: Params | undefined): readonly wire.Encoded[] {
    if (params === undefined) return NO_PARAMS;
    if (!Array.isArray(params)) {
      throw new InterfaceError("pg takes params as an array, for $1, $2, ... in the text");
    }
    wire.checkCount(params.length);
    const values: readonly unknown[] = params;
    return values.some(isComposite)
      ? values.map((value) => this.#flatten(value))
      : (values as wire.Encoded[]);
  }

  /** Calls back into code of the caller, so never while a message is being written. */
  #flatten(value: unknown): wire.Encoded {
    if (!isComposite(value)) return value as wire.Encoded;
    try {
      return this.#prepareValue(value);
    } catch (error) {
      throw new InterfaceError("a param could not be encoded for PostgreSQL", { cause: error });
    }
  }

  #lost(error: unknown, byItself = true): void {
    const life = this.#life;
    if (life === "lost") return;
    this.#life = "lost";
    this.native.connection.stream.destroy();
    for (const execution of [...this.#inFlight]) {
      execution.error ??= error;
      execution.finish();
    }
    // Not in the same turn as the last message of connecting, when nobody may have seen the connection yet.
    if (byItself && life === "open") setImmediate(this.#onLost, error);
  }
}

const NO_PARAMS: readonly wire.Encoded[] = [];

/** Refused before it is sent, where the text shows it: with statements behind it COPY would end the session. */
const COPY = /^\s*copy\b.*\b(?:stdin|stdout)\b/is;

const ISOLATION = {
  "read uncommitted": " ISOLATION LEVEL READ UNCOMMITTED",
  "read committed": " ISOLATION LEVEL READ COMMITTED",
  "repeatable read": " ISOLATION LEVEL REPEATABLE READ",
  serializable: " ISOLATION LEVEL SERIALIZABLE",
} as const;

function beginText({ isolation, readOnly }: TransactionOptions): string {
  if (isolation !== undefined && !Object.hasOwn(ISOLATION, isolation)) {
    throw new InterfaceError(`unknown isolation level; known are ${Object.keys(ISOLATION).join(", ")}`);
  }
  return `BEGIN${isolation === undefined ? "" : ISOLATION[isolation]}${readOnly ? " READ ONLY" : ""}`;
}

function isComposite(value: unknown): boolean {
  return value === undefined || (typeof value === "object" && value !== null && !(value instanceof Buffer));
}

function uncork(connection: PgConnection): void {
  connection.uncork();
}

function ignore(): void {}
