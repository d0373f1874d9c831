import { channels, type Origin } from "../diagnostics/channels.js";
import type { ConnectionLost } from "../errors/classes.js";
import type { Connections } from "../pool/connections.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { clearImmediate, setImmediate } from "../timeouts/turn.js";
import type { ExclusiveRequest } from "./exclusive-request.js";
import type { Lane } from "./lane.js";
import { Loan } from "./loan.js";

export interface BorrowedHooks {
  readonly origin: Origin;
  readonly max: number;
  /** How many more connections could serve what waits. */
  wanted(): number;
  /** What waits may be served now. */
  serve(): void;
  /** A connection has come: what is first on it? */
  arrived(loan: Loan): void;
  /** It carries nothing of a lane any more. */
  unbind(loan: Loan): void;
  /** One was given back, or is gone. */
  left(): void;
  /** What is on it will never be answered. */
  lost(loan: Loan, error: ConnectionLost): void;
}

/** The connections in the dispatcher's hands, from the asking to the giving back. */
export class Borrowed {
  readonly #connections: Connections;
  readonly #hooks: BorrowedHooks;
  readonly #carrying = new Set<Loan>();
  /** Lent for exclusive use, and the lane that each counts for. */
  readonly #lent = new Map<PooledConnection, Lane>();
  /** Asked of the connections, and not granted yet. */
  #requested = 0;
  /** With nothing to do, for what is left of this turn of the event loop. */
  #lingering: Loan[] = [];
  #releaser: NodeJS.Immediate | undefined;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(connections: Connections, hooks: BorrowedHooks) {
    this.#connections = connections;
    this.#hooks = hooks;
  }

  /** Those that carry autocommitted statements, or could. */
  get carrying(): ReadonlySet<Loan> {
    return this.#carrying;
  }

  get requested(): number {
    return this.#requested;
  }

  get none(): boolean {
    return this.#carrying.size === 0 && this.#lent.size === 0;
  }

  /** Asks for the connections that are missing. */
  ask(): void {
    const free = this.#hooks.max - this.#carrying.size - this.#lent.size - this.#requested;
    for (let n = Math.min(free, this.#hooks.wanted() - this.#requested); n > 0; n--) {
      if (!this.#connections.ready) {
        this.#retryTimer ??= setTimeout(() => {
          this.#retryTimer = undefined;
          this.#hooks.serve();
        }, this.#connections.pauseMillis).unref();
        return;
      }
      this.#requested++;
      this.#connections.acquire().then(
        (lease) => {
          this.#requested--;
          this.adopt(lease);
        },
        () => {
          // Why, was said when it failed.
          this.#requested--;
          this.#hooks.serve();
        },
      );
    }
  }

  /** A connection has come: it has no addressee. */
  adopt(lease: PooledConnection): void {
    lease.heldSince = performance.now();
    const loan = new Loan(lease);
    lease.unsettled = (lost) => this.#hooks.lost(loan, lost);
    this.#carrying.add(loan);
    this.#hooks.arrived(loan);
  }

  lend(loan: Loan, lane: Lane, { taker }: ExclusiveRequest): void {
    const { lease } = loan;
    this.#carrying.delete(loan);
    this.#lent.set(lease, lane);
    lease.heldSince = performance.now();
    lease.holder = taker.holder;
    lease.holderStack = taker.stack;
    taker.granted(lease);
  }

  /** It is nobody's own any more: gives the lane that it counted for. */
  takeBack(lease: PooledConnection): Lane | undefined {
    const lane = this.#lent.get(lease);
    this.#lent.delete(lease);
    return lane;
  }

  /**
   * Nothing more for it to do just now. Who awaited its answer may ask again before this turn of the event loop is
   * over: until then it is idle, and at hand.
   */
  linger(loan: Loan): void {
    if (loan.lease.state !== "idle") loan.lease.move("idle");
    if (loan.lingers) return;
    loan.lingers = true;
    this.#lingering.push(loan);
    this.#releaser ??= setImmediate(() => this.#release());
  }

  /** Of no more use. */
  dismiss(loan: Loan): void {
    const over = () => {
      this.#hooks.unbind(loan);
      this.#carrying.delete(loan);
      this.#hooks.serve();
      this.#hooks.left();
    };
    loan.sealed = true;
    loan.cancels++;
    if (loan.worked) this.tellUse(loan.lease);
    void this.#connections.discard(loan.lease).then(over);
  }

  tellUse(lease: PooledConnection): void {
    const { release } = channels;
    if (!release.hasSubscribers) return;
    release.publish({ ...this.#hooks.origin, heldMillis: performance.now() - lease.heldSince });
  }

  /** Those that hold a connection now, in words, with whether anything of theirs runs. */
  *holders(): Generator<{ readonly lease: PooledConnection; readonly what: string; readonly runs: boolean }> {
    for (const { lease, jobs } of this.#carrying) {
      yield { lease, what: `${jobs.length} statement(s), first: ${jobs[0]?.sql ?? ""}`, runs: true };
    }
    for (const lease of this.#lent.keys()) yield { lease, what: lease.holder, runs: lease.busy() };
  }

  /** Leaves no timer behind. */
  close(): void {
    clearTimeout(this.#retryTimer);
    if (this.#releaser !== undefined) clearImmediate(this.#releaser);
  }

  #release(): void {
    this.#releaser = undefined;
    const lingering = this.#lingering;
    this.#lingering = [];
    for (const loan of lingering) {
      loan.lingers = false;
      if (loan.lane !== undefined || !this.#carrying.delete(loan)) continue;
      if (loan.worked) this.tellUse(loan.lease);
      this.#connections.release(loan.lease);
    }
    // One that died while it lingered has given up its place just now.
    this.#hooks.serve();
    this.#hooks.left();
  }
}
