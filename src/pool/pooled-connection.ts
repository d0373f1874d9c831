import type { DriverConnection, Result, SessionState, Statement } from "../../drivers/driver.js";
import { ConnectionLost } from "../errors/classes.js";
import type { ResultLimit } from "../statement/result-limit.js";
import type { StatementJob } from "../statement/statement-job.js";
import type { Lane } from "../statement/waiting-line.js";
import { illegalMove } from "../transition.js";
import { Cancellations } from "./cancellation.js";
import { Loss } from "./loss.js";
import { NativeListeners } from "./native-listeners.js";

/** The longest that a destroyed session may take to settle what was on it. */
const LAST_MILLIS = 500;

/**
 * The life of a pooled connection.
 * - `opening`: connected, and not prepared yet;
 * - `idle`: in the pool;
 * - `checking`: asked for a sign of life before it is lent;
 * - `shared`: the dispatcher's, for single statements;
 * - `lingering`: the same, with nothing to do, until this turn of the event loop is over;
 * - `exclusive`: lent to one interaction or stream;
 * - `cleaning`: what was open on its session is ended;
 * - `closing`: ended, or asked to end;
 * - `closed`: gone.
 */
export type ConnectionState =
  | "opening"
  | "idle"
  | "checking"
  | "shared"
  | "lingering"
  | "exclusive"
  | "cleaning"
  | "closing"
  | "closed";

const MOVES: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  opening: ["idle", "closing", "closed"],
  idle: ["shared", "checking", "closing", "closed"],
  checking: ["idle", "closing", "closed"],
  shared: ["lingering", "exclusive", "cleaning", "closing", "closed"],
  lingering: ["shared", "exclusive", "idle", "closing", "closed"],
  exclusive: ["shared", "cleaning", "closing", "closed"],
  cleaning: ["shared", "closing", "closed"],
  closing: ["closed"],
  closed: [],
};

/**
 * What may be sent on a connection that carries single statements.
 * - `alone`: nothing behind what is on it;
 * - `behind`: others may wait behind what is on it;
 * - `sealed`: nothing until it is quiet: a cancel is on its way, or its head is stuck;
 * - `over`: nothing more.
 */
type Intake = "alone" | "behind" | "sealed" | "over";

/** One connection of the pool, with what the pool knows of it and the single statements that it carries. */
export class PooledConnection {
  readonly conn: DriverConnection;
  /** Past this, by `performance.now()`, it is not lent again. */
  readonly expiresAt: number;
  /** The most statements that are sent on it ahead of their answers. */
  readonly depth: number;
  /** Changed by `move` alone. */
  readonly state: ConnectionState = "opening";
  idleSince = 0;
  /** Why it is of no more use, where that is known. */
  whyEnded: unknown;

  /** Single statements on it, in the order sent, which is the order of the answers. */
  readonly jobs: StatementJob[] = [];
  /** When the server can have begun with the first of them, by `performance.now()`. */
  begunAt = 0;
  /** The lane whose work it carries; undefined while it carries none. */
  lane: Lane | undefined;
  intake: Intake = "alone";
  /** What must be over before it is quiet: cancels that may still hit whatever runs, a rollback. */
  holds = 0;
  /** Whether it has carried a statement since it was taken from the pool. */
  worked = false;

  /** When and for what it was lent, for diagnosis. */
  heldSince = 0;
  holder = "";
  holderStack: string | undefined;
  /** Whether its holder has something running on it: one that holds it and runs nothing may be waiting for the pool. */
  busy: () => boolean = () => true;
  /** The wait of the session that it is lent to: called when the driver has left what was sent unsettled for good. */
  unanswered: ((lost: ConnectionLost) => void) | undefined;
  /** Statements of which `loss.wait` does not know: called when the driver has left them unsettled for good. */
  unsettled: ((lost: ConnectionLost) => void) | undefined;
  readonly #destroyFailed: (connection: PooledConnection, error: unknown) => void;
  readonly cancellations = new Cancellations(this);
  readonly loss = new Loss();
  /** Its taker wants it closed when it is given back. */
  unwanted = false;
  /** Where the pool has `maxResultBytes`. */
  resultLimit: ResultLimit | undefined;
  /** Who has listened on the package's handle before anyone of this program's could. */
  readonly listeners: NativeListeners;
  #destroyed = false;
  #endedHere = false;
  #last: NodeJS.Timeout | undefined;

  constructor(
    conn: DriverConnection,
    expiresAt: number,
    depth: number,
    destroyFailed: (connection: PooledConnection, error: unknown) => void,
  ) {
    this.conn = conn;
    this.listeners = new NativeListeners(conn.native);
    this.expiresAt = expiresAt;
    this.depth = depth;
    this.#destroyFailed = destroyFailed;
  }

  /** What the session is doing; one that was destroyed is of no use, whatever its driver says. */
  get session(): SessionState {
    return this.#destroyed ? "broken" : this.conn.state;
  }

  /** Open, and not idle: counted as in use. */
  get inUse(): boolean {
    const { state } = this;
    return state === "shared" || state === "exclusive" || state === "checking" || state === "cleaning";
  }

  get gone(): boolean {
    return this.state === "closing" || this.state === "closed";
  }

  /** Broken, too old, or unfit by what its session has met: not to be lent again. */
  get spent(): boolean {
    const { unfit } = this.conn;
    return (
      this.session === "broken" || performance.now() >= this.expiresAt || unfit === true || this.unwanted
    );
  }

  /** Whether it may be used on as it is: nothing is open on its session. */
  reusableAt(now: number): boolean {
    return (
      !this.gone && this.session === "idle" && now < this.expiresAt && !this.conn.unfit && !this.unwanted
    );
  }

  /** Whether the pool ended a session that was alive. */
  get endedHere(): boolean {
    return this.#endedHere;
  }

  /** The job is put on the connection, behind what is there. */
  push(job: StatementJob, intake: Intake): void {
    if (this.state === "lingering") this.move("shared");
    this.worked = true;
    this.intake = intake;
    job.sent(this);
    this.jobs.push(job);
    if (this.jobs.length > 1) return;
    this.begunAt = performance.now();
    job.begun(this.resultLimit);
  }

  /** Its answer has come, or it goes elsewhere; what was behind it begins. */
  take(job: StatementJob, now: number): void {
    const { jobs } = this;
    if (jobs[0] === job) {
      jobs.shift();
      this.begunAt = now;
      jobs[0]?.begun(this.resultLimit);
    } else {
      const index = jobs.indexOf(job);
      if (index >= 0) jobs.splice(index, 1);
    }
    if (this.cancellations.limited || this.holds > 0 || jobs[0]?.givenUp === true) this.limit();
  }

  /**
   * The head that was given up, or a cancel on its way, has so long to settle. What is ahead of a job keeps its own
   * time.
   */
  limit(): void {
    const { cancellations } = this;
    const [head] = this.jobs;
    cancellations.relieve();
    if (head === undefined ? this.holds > 0 : head.givenUp) cancellations.limit();
  }

  /** An `execute` of the driver that throws rejects. */
  execute(statement: Statement): Promise<Result> {
    try {
      return Promise.resolve(this.conn.execute(statement));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Ends the session at once. What is in flight rejects by that; what a driver leaves unsettled all the same is lost a
   * moment later.
   */
  destroy(): void {
    if (this.#destroyed) return;
    this.#end();
    this.#destroyed = true;
    this.loss.tell(new ConnectionLost("the connection was destroyed"));
    try {
      this.conn.destroy();
    } catch (error) {
      this.#destroyFailed(this, error);
    }
    if (this.state !== "closed") this.#last = setTimeout(() => this.#giveUp(), LAST_MILLIS).unref();
  }

  /** The one place where a state changes. */
  move(to: ConnectionState): void {
    if (to === "closing") this.#end();
    if (this.loss.watched && (this.state === "exclusive" || this.state === "opening")) this.loss.forget();
    if (!MOVES[this.state].includes(to)) throw illegalMove("a connection", this.state, to);
    (this as { state: ConnectionState }).state = to;
    if (to === "idle") this.idleSince = performance.now();
    // Its next user owes nothing of what came before.
    if (this.cancellations.limited && (to === "idle" || to === "lingering" || to === "closed"))
      this.cancellations.relieve();
    if (to === "closed") clearTimeout(this.#last);
  }

  #end(): void {
    if (this.session !== "broken") this.#endedHere = true;
  }

  #giveUp(): void {
    const lost = new ConnectionLost("the driver did not settle what was destroyed");
    this.loss.endWaits(lost);
    this.unanswered?.(lost);
    this.unsettled?.(lost);
  }
}
