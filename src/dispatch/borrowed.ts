import { channels, type Origin } from "../diagnostics/channels.js";
import type { Connections } from "../pool/connections.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { Lane } from "../statement/waiting-line.js";
import { clearImmediate, setImmediate } from "../timeouts/turn.js";
import type { ExclusiveRequest } from "./queue.js";

/**
 * So many go ahead on one connection at any time, if its driver takes as many. More go of a long queue only: at the
 * most this part of it.
 */
const DEEP = 64;
const SHARE = 8;

/** The dispatcher, as the borrowed connections know it. */
export interface Dispatching {
  /** What waits may be served now. */
  serve(): void;
  /** A connection has come: what is first on it? */
  arrived(connection: PooledConnection): void;
  /** One was given back, or is gone. */
  left(): void;
}

/** The connections in the dispatcher's hands, from the asking to the giving back. */
export class Borrowed {
  readonly #connections: Connections;
  readonly #max: number;
  readonly #origin: Origin;
  readonly #dispatcher: Dispatching;
  /** Those that carry single statements, or could. */
  readonly carrying = new Set<PooledConnection>();
  /** Lent for exclusive use. */
  readonly lent = new Set<PooledConnection>();
  /** Asked of the pool, and not granted yet; changed here alone. */
  requested = 0;
  /** With nothing to do, for what is left of this turn of the event loop. */
  #lingering = new Set<PooledConnection>();
  #releaser: NodeJS.Immediate | undefined;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(
    connections: Connections,
    { max }: { readonly max: number },
    origin: Origin,
    dispatcher: Dispatching,
  ) {
    this.#connections = connections;
    this.#max = max;
    this.#origin = origin;
    this.#dispatcher = dispatcher;
  }

  /**
   * A connection at hand for the first of a lane in which `length` wait: a quiet one, or, if it is `stackable`, the
   * least loaded that it may be put behind others on.
   */
  connectionFor(lane: Lane, length: number, stackable: boolean): PooledConnection | undefined {
    const oneMore = lane.serving < lane.limit;
    let best: PooledConnection | undefined;
    let least = stackable ? 0 : 1;
    for (const connection of this.carrying) {
      const { jobs, state } = connection;
      if (jobs.length === 0) {
        const free = connection.lane === undefined && connection.holds === 0;
        if (oneMore && free && (state === "shared" || state === "lingering")) return connection;
      } else if (connection.intake === "behind" && connection.lane === lane) {
        if (least === 0) least = this.#deepest(lane, length);
        // One that died still carries those that have not heard of it.
        if (jobs.length < Math.min(least, connection.depth) && connection.session !== "broken") {
          best = connection;
          least = jobs.length;
        }
      }
    }
    return best;
  }

  /**
   * How many may be on a connection that others are put behind; 1 if none are, since what is about to be granted a
   * connection of its own, or finds one idle, need not wait behind anything, if one more may serve it.
   */
  #deepest(lane: Lane, length: number): number {
    const crowded = lane.serving >= lane.limit || length > this.requested + this.#connections.available;
    return crowded ? Math.max(DEEP, length / SHARE) : 1;
  }

  /** Asks for the connections that are missing: so many could serve what waits. */
  ask(wanted: number): void {
    const free = this.#max - this.carrying.size - this.lent.size - this.requested;
    if (free <= 0) return;
    for (let n = Math.min(free, wanted - this.requested); n > 0; n--) {
      if (!this.#connections.ready) {
        this.#retryTimer ??= setTimeout(() => {
          this.#retryTimer = undefined;
          this.#dispatcher.serve();
        }, this.#connections.pauseMillis).unref();
        return;
      }
      this.requested++;
      this.#connections.acquire().then(
        (connection) => {
          this.requested--;
          this.#keep(connection);
          this.#dispatcher.arrived(connection);
        },
        () => {
          // Why, was said when it failed.
          this.requested--;
          this.#dispatcher.serve();
        },
      );
    }
  }

  lend(connection: PooledConnection, request: ExclusiveRequest): void {
    this.carrying.delete(connection);
    this.lent.add(connection);
    connection.move("exclusive");
    connection.heldSince = performance.now();
    connection.holder = request.holder;
    connection.holderStack = request.stack;
    request.grant(connection);
  }

  /** What was lent comes back, of use or gone: true if it is at hand for any work. */
  takeBack(connection: PooledConnection, usable: boolean): boolean {
    if (!this.lent.delete(connection)) return false;
    if (!usable) {
      this.#unbind(connection);
      return false;
    }
    this.free(connection);
    this.#keep(connection);
    if (connection.state !== "shared") connection.move("shared");
    return true;
  }

  /** A connection that has become quiet is free for any work, unless it is of no more use. */
  settle(connection: PooledConnection): void {
    const quiet = connection.jobs.length === 0 && connection.holds === 0;
    if (!quiet || connection.intake === "over" || !this.carrying.has(connection)) return;
    if (connection.reusableAt(performance.now())) this.free(connection);
    else this.#dismiss(connection);
  }

  /** It carries nothing of a lane any more. */
  free(connection: PooledConnection): void {
    if (connection.cancellations.limited) connection.cancellations.relieve();
    connection.intake = "alone";
    if (connection.lane === undefined) return;
    connection.lane.serving--;
    connection.lane = undefined;
  }

  /**
   * Nothing more for it to do just now. The caller that awaited its answer may ask again before this turn of the event
   * loop is over: until then it is idle, and at hand.
   */
  linger(connection: PooledConnection): void {
    connection.move("lingering");
    this.#lingering.add(connection);
    this.#releaser ??= setImmediate(() => this.#release());
  }

  tellUse(connection: PooledConnection): void {
    const { release } = channels;
    if (!release.hasSubscribers) return;
    release.publish({ ...this.#origin, heldMillis: performance.now() - connection.heldSince });
  }

  /** Those that hold a connection now, in words, with whether anything of theirs runs. */
  *holders(): Generator<{
    readonly connection: PooledConnection;
    readonly what: string;
    readonly runs: boolean;
  }> {
    for (const connection of this.carrying) {
      const { jobs } = connection;
      yield { connection, what: `${jobs.length} statement(s), first: ${jobs[0]?.sql ?? ""}`, runs: true };
    }
    for (const connection of this.lent)
      yield { connection, what: connection.holder, runs: connection.busy() };
  }

  /** Leaves no timer behind. */
  close(): void {
    clearTimeout(this.#retryTimer);
    if (this.#releaser !== undefined) clearImmediate(this.#releaser);
  }

  #keep(connection: PooledConnection): void {
    connection.heldSince = performance.now();
    connection.worked = false;
    connection.intake = "alone";
    this.carrying.add(connection);
  }

  /** Of no more use. */
  #dismiss(connection: PooledConnection): void {
    connection.intake = "over";
    if (connection.cancellations.limited) connection.cancellations.relieve();
    if (connection.worked) this.tellUse(connection);
    void this.#connections.discard(connection).then(() => {
      this.#unbind(connection);
      this.carrying.delete(connection);
      this.#dispatcher.serve();
      this.#dispatcher.left();
    });
  }

  #unbind(connection: PooledConnection): void {
    const { lane } = connection;
    connection.lane = undefined;
    if (lane === undefined) return;
    if (connection.gone) lane.abandonedBy(connection.conn.ended, () => this.#dispatcher.serve());
    else lane.serving--;
  }

  #release(): void {
    this.#releaser = undefined;
    const lingering = this.#lingering;
    this.#lingering = new Set();
    for (const connection of lingering) {
      // It may have work again.
      if (connection.lane !== undefined || !this.carrying.delete(connection)) continue;
      if (connection.worked) this.tellUse(connection);
      this.#connections.release(connection);
    }
    // One that died while it lingered has given up its place just now.
    this.#dispatcher.serve();
    this.#dispatcher.left();
  }
}
