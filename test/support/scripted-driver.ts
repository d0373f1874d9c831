/**
 * A database that does what its test says: for timing and races that no real server can be brought to show every time.
 */

import { AdbapiError, ConnectionLost, OperationalError, type Outcome } from "adbapi";
import type {
  Cancellation,
  ConnectOptions,
  Driver,
  DriverConnection,
  Result,
  SessionState,
  Statement,
} from "../../drivers/driver.js";

/** What a server may be asked for. `begin` goes with the first statement of a transaction. */
export type Step = "connect" | "ping" | "execute" | "begin" | "commit" | "rollback" | "reset" | "close";

/** How one step ends. */
export interface Gate {
  pass(): Promise<void>;
}

/** It ends when the test says so. */
export class Held implements Gate {
  readonly #passed: Promise<void>;
  readonly #entered: Promise<void>;
  #enter: () => void = () => {};
  /** Lets it end well. */
  ok: () => void = () => {};
  err: (error: unknown) => void = () => {};

  constructor() {
    this.#passed = new Promise((resolve, reject) => {
      this.ok = resolve;
      this.err = reject;
    });
    this.#passed.catch(() => {});
    this.#entered = new Promise((resolve) => {
      this.#enter = resolve;
    });
  }

  /** Fires when somebody stands before it. */
  get entered(): Promise<void> {
    return this.#entered;
  }

  pass(): Promise<void> {
    this.#enter();
    return this.#passed;
  }
}

export const gate = Object.freeze({
  ok: { pass: () => Promise.resolve() } satisfies Gate,
  never: { pass: () => new Promise<void>(() => {}) } satisfies Gate,
  err: (error: unknown = new Error("scripted failure")): Gate => ({ pass: () => Promise.reject(error) }),
  slow: (millis: number): Gate => ({ pass: () => new Promise((resolve) => setTimeout(resolve, millis)) }),
  held: () => new Held(),
  /** As a server that can only cancel whatever runs: the cancel was meant for another. */
  hit: { pass: () => Promise.reject(new Cancelled("scripted cancel of a neighbour")) } satisfies Gate,
});

export interface Scripted {
  /** As `Driver.pipeline`: above 1, a `select` is stackable and repeatable. */
  readonly pipeline?: number;
  /** Writes form one line, as SQLite's do. */
  readonly singleWriter?: true;
  /** Whether a running statement can be cancelled; else its connection is destroyed. */
  readonly cancel?: boolean;
}

/** What it fails with when the session dies; `translate` says so. */
class Lost extends Error {
  readonly outcome: Outcome;
  constructor(outcome: Outcome) {
    super("the scripted session is gone");
    this.outcome = outcome;
  }
}

class Cancelled extends Error {}

/** The server, and the driver to it. Steps go well unless `next` or `always` said otherwise. */
export class ScriptedServer {
  readonly driver: Driver;
  readonly sessions = new Set<ScriptedConnection>();
  /** The most sessions that were ever open at once, with those being opened. */
  most = 0;
  /** Connects tried. */
  connects = 0;
  /** The most statements that were ever in flight on one session. */
  deepest = 0;
  /** Texts in the order in which the server began with them. */
  readonly executed: string[] = [];
  readonly cancels: boolean;
  #connecting = 0;
  readonly #next = new Map<Step, Gate[]>();
  readonly #always = new Map<Step, Gate>();

  constructor({ pipeline = 1, cancel = false, singleWriter }: Scripted = {}) {
    this.cancels = cancel;
    const selects = (sql: string) => sql.startsWith("select");
    this.driver = {
      name: "scripted",
      paramstyle: "qmark",
      pipeline,
      connect: (_args, options) => this.#connect(options),
      translate,
      stackable: (sql) => pipeline > 1 && selects(sql),
      repeatable: (sql) => selects(sql) && !sql.includes("("),
      ...(singleWriter && { singleWriter }),
      cancelled: (error) => (error instanceof Cancelled ? "not applied" : undefined),
    };
  }

  get open(): number {
    return this.sessions.size;
  }

  /** The next of these steps, whoever takes it, ends like this; and those after it like the others. */
  next(step: Step, ...gates: readonly Gate[]): void {
    this.#next.set(step, [...(this.#next.get(step) ?? []), ...gates]);
  }

  /** From now on, all that `next` does not speak of. */
  always(step: Step, what: Gate): void {
    this.#always.set(step, what);
  }

  pass(step: Step): Promise<void> {
    return (this.#next.get(step)?.shift() ?? this.#always.get(step) ?? gate.ok).pass();
  }

  async #connect({ signal, onLost }: ConnectOptions): Promise<DriverConnection> {
    this.connects++;
    this.#connecting++;
    this.#count();
    try {
      await Promise.race([this.pass("connect"), aborted(signal)]);
    } finally {
      this.#connecting--;
    }
    const session = new ScriptedConnection(this, this.connects, onLost);
    this.sessions.add(session);
    this.#count();
    return session;
  }

  #count(): void {
    this.most = Math.max(this.most, this.sessions.size + this.#connecting);
  }
}

export class ScriptedConnection implements DriverConnection {
  readonly native = undefined;
  readonly id: number;
  readonly #server: ScriptedServer;
  readonly #onLost: (error: unknown) => void;
  #inTransaction = false;
  #alive = true;
  #reject: (error: unknown) => void = () => {};
  readonly #death: Promise<never>;
  /** Answers come in the order asked. */
  #last: Promise<unknown> = Promise.resolve();
  #inFlight = 0;
  readonly #stoppers = new Map<Statement, (error: unknown) => void>();
  readonly cancel?: (statement: Statement) => Cancellation;

  constructor(server: ScriptedServer, id: number, onLost: (error: unknown) => void) {
    this.#server = server;
    this.id = id;
    this.#onLost = onLost;
    this.#death = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.#death.catch(() => {});
    if (server.cancels) this.cancel = (statement) => this.#cancel(statement);
  }

  get state(): SessionState {
    if (!this.#alive) return "broken";
    if (this.#inTransaction) return "in transaction";
    return this.#inFlight > 0 ? "unknown" : "idle";
  }

  execute(statement: Statement): Promise<Result> {
    if (!this.#alive) return Promise.reject(new Lost("not sent"));
    return this.#inOrder(async () => {
      this.#server.executed.push(statement.sql);
      const stopped = new Promise<never>((_, reject) => this.#stoppers.set(statement, reject));
      stopped.catch(() => {});
      try {
        await Promise.race([this.#server.pass("execute"), stopped]);
      } finally {
        this.#stoppers.delete(statement);
      }
      const readOnly = statement.sql.startsWith("select");
      return { rows: [{ session: this.id }], rowCount: 1, lastInsertId: undefined, columns: [], readOnly };
    });
  }

  async begin(): Promise<void> {
    await this.#step("begin");
    this.#inTransaction = true;
  }

  async commit(): Promise<void> {
    await this.#step("commit");
    this.#inTransaction = false;
  }

  async rollback(): Promise<void> {
    await this.#step("rollback");
    this.#inTransaction = false;
  }

  ping(): Promise<void> {
    return this.#step("ping");
  }

  reset(): Promise<void> {
    return this.#step("reset");
  }

  async close(): Promise<void> {
    await this.#step("close");
    this.#end();
  }

  destroy(): void {
    this.#end();
  }

  /** The session dies by itself: what is in flight fails, and the pool is told. */
  kill(): void {
    if (!this.#alive) return;
    this.#end();
    this.#onLost(new Lost("unknown"));
  }

  #cancel(statement: Statement): Cancellation {
    this.#stoppers.get(statement)?.(new Cancelled("scripted cancel"));
    return { outcome: "unknown", done: Promise.resolve() };
  }

  #end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#server.sessions.delete(this);
    this.#reject(new Lost("unknown"));
  }

  #step(step: Step): Promise<void> {
    if (!this.#alive) return Promise.reject(new Lost("not sent"));
    return this.#inOrder(() => this.#server.pass(step));
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    this.#inFlight++;
    this.#server.deepest = Math.max(this.#server.deepest, this.#inFlight);
    const done = this.#last.then(() => Promise.race([work(), this.#death]));
    const over = () => {
      this.#inFlight--;
    };
    this.#last = done.then(over, over);
    // `state` is true by the time that the answer is heard.
    return this.#last.then(() => done);
  }
}

function translate(error: unknown): AdbapiError {
  if (error instanceof AdbapiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Lost) return new ConnectionLost(message, { outcome: error.outcome, cause: error });
  return new OperationalError(message, { cause: error });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
