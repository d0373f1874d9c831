/** What one session has in flight, what is known of its state, and how it ends. */
import type { Socket } from "node:net";
import type { Client, ClientConfig } from "pg";
import { ConnectionLost } from "../../src/errors/classes.js";
import { Cork } from "../common/cork.js";
import { endedBefore } from "../common/lost.js";
import { guardData, spoiled, unreadable } from "../common/unreadable.js";
import type { ConnectOptions, SessionState } from "../driver.js";
import { Access, type ParameterStatus, READ_ONLY_SQL_TRANSACTION } from "./access.js";
import { leave } from "./cancel/leaving.js";
import { endsSession, isServerError, translate } from "./errors.js";
import { type Execution, OwnExecution, type Owner } from "./execution.js";
import { type Greeting, greeting, greetingOfRow } from "./names/facts.js";
import { Names } from "./names/names.js";
import { isReplicationWarning, replicationWarning } from "./notices.js";
import { endsTransaction } from "./transaction.js";
import { MadeTypes, type TextRows } from "./values/made-types.js";
import { exactParsers } from "./values/numbers.js";
import type { GetParser, ParseText } from "./values/rows.js";
import { guarded, Styles } from "./values/styles.js";
import * as wire from "./wire.js";

/** Of pg's `Connection`, what its types leave out. */
interface Internals {
  attachListeners(stream: Socket): void;
}

export type Settle = (error: unknown, execution: Execution) => void;

export class Session implements Owner {
  readonly native: Client;
  readonly getParser: GetParser;
  readonly types: MadeTypes;
  protected readonly config: ClientConfig;
  protected readonly access: Access;
  /** Undefined where statements are not to have names, and where another session may answer for them. */
  protected names: Names | undefined;
  readonly #prepare: boolean;
  /** Sent and not yet settled, in the order of their answers: the server works on the first. */
  protected readonly inFlight: Execution[] = [];
  protected life: "opening" | "open" | "closing" | "lost" = "opening";
  /** What ended it, when that was not this side. */
  #reason: unknown;
  readonly #onLost: (error: unknown) => void;
  departed: Promise<void> | undefined;
  /** Its server takes no writes any more. */
  unfit = false;
  chained = 0;
  asides = 0;
  readonly #styles = new Styles();
  readonly #cork = new Cork();
  /** How often the server was ready for more, and how often that was the end of something sent here. */
  #readies = 0;
  #ends = 0;

  constructor(client: Client, config: ClientConfig, { settings, onLost, onWarning }: ConnectOptions) {
    this.native = client;
    this.config = config;
    this.#onLost = onLost;
    this.#prepare = settings.prepare;
    const packages: GetParser = (oid) => client.getTypeParser(oid) as ParseText;
    this.getParser = (oid) => guarded(oid, packages(oid), this.#styles);
    for (const [oid, parse] of exactParsers(settings.int64, packages)) client.setTypeParser(oid, parse);
    this.types = new MadeTypes(this.getParser);
    this.access = new Access(client);
    const { connection } = client;
    // Heard before pg's client hears it, and tells the statement.
    connection.on("readyForQuery", () => this.#readies++);
    connection.on("bindComplete", () => {
      const [head] = this.inFlight;
      if (head !== undefined) head.bound++;
    });
    connection.on("parameterDescription", ({ dataTypeIDs }: { readonly dataTypeIDs: readonly number[] }) => {
      const [head] = this.inFlight;
      if (head !== undefined) head.types = dataTypeIDs;
    });
    connection.on("parameterStatus", ({ parameterName, parameterValue }: ParameterStatus) =>
      this.#styles.report(parameterName, parameterValue),
    );
    connection.on("notice", (notice: unknown) => {
      this.asides++;
      if (isReplicationWarning(notice)) onWarning?.(replicationWarning(notice));
    });
    // pg reports a loss up to twice, and an 'error' without a listener ends the process.
    client.on("error", (error) => this.#lost(error));
    client.on("end", () => this.#lost(new Error("Connection terminated")));
  }

  get id(): number | undefined {
    return (this.native as Client & { readonly processID: number | null }).processID ?? undefined;
  }

  get received(): number {
    return (this.native.connection.stream as Socket).bytesRead;
  }

  get state(): SessionState {
    if (this.life !== "open") return "broken";
    // Statements that were given to `native` directly are seen here only.
    const { readyForQuery } = this.native as Client & { readonly readyForQuery: boolean };
    if (this.inFlight.length > 0 || !readyForQuery) return "unknown";
    return this.transacting ? "in transaction" : "idle";
  }

  get transacting(): boolean {
    return this.native.getTransactionStatus() !== "I";
  }

  async open(): Promise<void> {
    const { connection } = this.native as Client & { readonly connection: Internals };
    const listen = connection.attachListeners;
    // Called again for the stream above TLS.
    connection.attachListeners = (stream) => {
      listen.call(connection, stream);
      guardData(stream, (error) => this.#broken(error));
    };
    const unref = () => (connection.stream as Partial<Socket>).unref?.();
    connection.on("sslconnect", unref);
    const connecting = this.native.connect();
    unref();
    await connecting;
    if (this.life !== "opening") throw new ConnectionLost("the connection was lost as soon as it was open");
    this.life = "open";
    this.#ends = this.#readies;
    const facts = await this.greet();
    const watch = { prepare: this.#prepare, undone: this.#styles.undone };
    if (facts !== undefined && facts.pid === this.id) this.names = Names.watching(facts, watch);
  }

  async close(): Promise<void> {
    if (this.life === "open") this.life = "closing";
    await this.native.end();
  }

  destroy(): void {
    this.#lost(undefined);
  }

  /** Rows of text for a question of the driver's own. */
  readonly ask = async (sql: string): Promise<TextRows> =>
    (await this.command(sql)).collected as (string | null)[][];

  submit(execution: Execution): void {
    if (this.life !== "open")
      throw endedBefore(this.#reason === undefined ? undefined : translate(this.#reason));
    this.native.query(execution as never);
  }

  send(execution: Execution): void {
    this.inFlight.push(execution);
    this.write(execution.bytes);
  }

  /** What is written in one turn goes out at its end, at once. pg's own writes keep their place among it. */
  write(bytes: Buffer): void {
    const { stream } = this.native.connection;
    this.#cork.hold(stream);
    stream.write(bytes);
  }

  settled(execution: Execution): Promise<void> | undefined {
    const inFlight = this.inFlight;
    const place = inFlight.indexOf(execution);
    if (place >= 0) inFlight.splice(place, 1);
    const { statement, tag, refusal } = execution;
    const { transacting } = this;
    execution.inTransaction = transacting;
    if (refusal === READ_ONLY_SQL_TRANSACTION && this.access.refusesWrites)
      this.unfit = execution.readOnly = true;
    if (!transacting) this.access.asked = "any";
    if (statement !== undefined && transacting && endsTransaction(tag, statement.sql)) this.chained++;
    this.#ends++;
    this.listenForStrangers();
    const lost = (execution.eventful || this.#styles.news) && this.#styles.lost(execution);
    this.names?.settled(execution, transacting);
    execution.onHead?.();
    inFlight[0]?.onHead?.();
    return lost && this.life === "open" ? this.greet().then(ignore) : undefined;
  }

  /** A caller that has `native` may say anything to the session. */
  protected listenForStrangers(): void {
    if (this.#readies === this.#ends) return;
    this.#ends = this.#readies;
    this.names?.overheard(this.transacting);
    if (this.life === "open" && this.#styles.doubtful) this.greet().catch(ignore);
  }

  /** Asks for the styles that values are read by, and for the facts; undefined from a server that has no such. */
  protected async greet(): Promise<Greeting | undefined> {
    try {
      const { collected } = await this.command(greeting(this.id));
      const facts = greetingOfRow(collected[0] as unknown[]);
      this.#styles.greeted(facts);
      return facts;
    } catch (error) {
      if (!isServerError(error) || this.life !== "open") throw error;
      return undefined;
    }
  }

  /** A text of the driver's own, or one that may hold several statements, by the simple protocol. */
  protected command(sql: string): Promise<Execution> {
    const bytes = wire.query(sql);
    return this.sent((settle) => new OwnExecution(this, bytes, settle));
  }

  protected sent(make: (settle: Settle) => Execution): Promise<Execution> {
    return new Promise((resolve, reject) => {
      this.submit(make((error, execution) => (error === undefined ? resolve(execution) : reject(error))));
    });
  }

  /** pg's parser stands in the middle of a message, and goes no further: the statement at the head hears why. */
  #broken(error: unknown): void {
    if (this.life === "opening") {
      this.native.connection.emit("error", error instanceof Error ? error : unreadable(error));
      return;
    }
    const [head] = this.inFlight;
    const reason = unreadable(error);
    if (head !== undefined) {
      head.error ??= reason;
      head.finish();
    }
    this.#lost(spoiled(reason));
  }

  /** Without an error where this side ends it. */
  #lost(error: unknown): void {
    const { life } = this;
    if (life === "lost") return;
    this.life = "lost";
    const { stream } = this.native.connection;
    if (error === undefined && life === "open" && this.inFlight.length > 0 && !stream.destroyed)
      this.departed = leave(this.native, this.config);
    else stream.destroy();
    // What the server said to the statement that it ended the session under tells more than the socket's end, to all
    // that were behind it too.
    this.#reason = error && (this.inFlight.map((execution) => execution.error).find(endsSession) ?? error);
    for (const execution of [...this.inFlight]) {
      execution.error ??=
        this.#reason ?? new ConnectionLost("the connection was destroyed with this in flight");
      execution.finish();
    }
    if (error !== undefined && life === "open") this.#onLost(this.#reason);
  }
}

function ignore(): void {}
