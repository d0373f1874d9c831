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

/** So many connections are compared when a statement is put behind others: however many there are, it costs no more. */
const COMPARED = 32;

/** The dispatcher, as the borrowed connections know it. */
export interface Dispatching {
  /** What waits may be served now. */
  serve(): void;
  /** One was given back, or is gone. */
  left(): void;
}

/** The connections in the dispatcher's hands, from the taking to the giving back. */
export class Borrowed {
  readonly #connections: Connections;
  readonly #origin: Origin;
  readonly #dispatcher: Dispatching;
  /** Those that carry single statements, or could. */
  readonly carrying = new Set<PooledConnection>();
  /** Lent for exclusive use. */
  readonly lent = new Set<PooledConnection>();
  /**
   * Of those the ones with nothing to do: at hand for any work until this turn of the event loop is over. One that has
   * died meanwhile may be among them.
   */
  #free: PooledConnection[] = [];
  /** Where the comparing of `carrying` goes on. */
  #round: IterableIterator<PooledConnection> = this.carrying.values();
  #releaser: NodeJS.Immediate | undefined;

  constructor(connections: Connections, origin: Origin, dispatcher: Dispatching) {
    this.#connections = connections;
    this.#origin = origin;
    this.#dispatcher = dispatcher;
  }

  /**
   * A connection for the first of a lane in which `length` wait, whose work it carries from now on: one with nothing to
   * do, or, if that waiter is `stackable`, the least loaded that it may be put behind others on.
   */
  claim(lane: Lane, length: number, stackable: boolean): PooledConnection | undefined {
    if (lane.serving < lane.limit) {
      const connection = this.#idle();
      if (connection !== undefined) {
        connection.lane = lane;
        lane.serving++;
        return connection;
      }
    }
    return stackable ? this.#leastLoaded(lane, length) : undefined;
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

  /** It carries nothing of a lane any more, and is at hand for any. */
  free(connection: PooledConnection): void {
    if (connection.cancellations.limited) connection.cancellations.relieve();
    connection.intake = "alone";
    // One that carries nothing of a lane is free already.
    if (connection.lane === undefined) return;
    connection.lane.serving--;
    connection.lane = undefined;
    this.#free.push(connection);
  }

  /**
   * Nothing more for it to do just now. The caller that awaited its answer may ask again before this turn of the event
   * loop is over: until then it is idle, and at hand.
   */
  linger(connection: PooledConnection): void {
    connection.move("lingering");
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
    if (this.#releaser !== undefined) clearImmediate(this.#releaser);
  }

  #idle(): PooledConnection | undefined {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (!free.gone) return free;
      this.#leave(free);
    }
    const connection = this.#connections.take();
    if (connection !== undefined) this.#keep(connection);
    return connection;
  }

  #leastLoaded(lane: Lane, length: number): PooledConnection | undefined {
    let best: PooledConnection | undefined;
    let least = this.#deepest(lane, length);
    if (this.carrying.size <= COMPARED) this.#round = this.carrying.values();
    for (let n = least > 1 ? Math.min(this.carrying.size, COMPARED) : 0; n > 0; n--) {
      const connection = this.#nextOfRound();
      const { jobs, depth } = connection;
      if (jobs.length === 0 || connection.intake !== "behind" || connection.lane !== lane) continue;
      // One that died still carries those that have not heard of it.
      if (jobs.length >= Math.min(least, depth) || connection.session === "broken") continue;
      best = connection;
      least = jobs.length;
    }
    return best;
  }

  /** There is one: `carrying` is not empty. */
  #nextOfRound(): PooledConnection {
    const next = this.#round.next();
    if (!next.done) return next.value;
    this.#round = this.carrying.values();
    return this.#round.next().value as PooledConnection;
  }

  /**
   * How many may be on a connection that others are put behind; 1 if none are, since what is about to find a connection
   * for itself need not wait behind anything, if one more may serve it.
   */
  #deepest(lane: Lane, length: number): number {
    const crowded = lane.serving >= lane.limit || length > this.#connections.near;
    return crowded ? Math.max(DEEP, length / SHARE) : 1;
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

  #leave(connection: PooledConnection): void {
    this.carrying.delete(connection);
    if (connection.worked) this.tellUse(connection);
  }

  #release(): void {
    this.#releaser = undefined;
    const free = this.#free;
    this.#free = [];
    for (const connection of free) {
      this.#leave(connection);
      this.#connections.release(connection);
    }
    // One that died while it lingered has given up its place just now.
    this.#dispatcher.serve();
    this.#dispatcher.left();
  }
}
