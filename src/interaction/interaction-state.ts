import { Deferred } from "../defer/index.js";
import { ExclusiveRequest } from "../dispatch/queue.js";
import { NO_END } from "../statement/waiting-line.js";
import { type Limited, Limits } from "../timeouts/limits.js";
import { illegalMove } from "../transition.js";

/**
 * - `waiting`: for a connection;
 * - `running`: the function is at work;
 * - `committing`: COMMIT is on its way, and nothing can take it back;
 * - `resting`: before it is run again;
 * - `settled`: the caller has the answer; cleaning up may go on.
 */
type State = "waiting" | "running" | "committing" | "resting" | "settled";

const MOVES: Readonly<Record<State, readonly State[]>> = {
  waiting: ["running", "resting", "settled"],
  running: ["committing", "resting", "settled"],
  committing: ["resting", "settled"],
  resting: ["waiting", "settled"],
  settled: [],
};

/** Where an interaction stands, and that exactly one answer reaches its caller. */
export abstract class InteractionState<T> extends ExclusiveRequest implements Limited {
  readonly deferred = new Deferred<T>(() => this.cancel(undefined));
  /** Changed by `move` alone. */
  state: State = "waiting";
  readonly #unanswered: Set<InteractionState<T>>;
  #limits: Limits | undefined;

  /** @param unanswered it is one of these until its caller has the answer */
  constructor(unanswered: Set<InteractionState<T>>) {
    super("adbapi.Interaction", NO_END);
    this.#unanswered = unanswered;
    unanswered.add(this);
  }

  abstract cancel(cause: unknown): void;
  abstract expire(): void;
  abstract overdue(): void;

  /** Its time begins, and its caller's signal may end it. */
  protected limit(timeoutMillis: number | undefined, signal: AbortSignal | undefined): void {
    this.#limits = new Limits(timeoutMillis, signal, this);
  }

  /** The caller hears of the value, if it has had no answer yet. */
  protected fire(value: T): void {
    if (this.#settle()) this.runInAsyncScope(this.deferred.callback, this.deferred, value);
  }

  /** The same with an error. */
  protected fail(error: unknown): void {
    if (this.#settle()) this.runInAsyncScope(this.deferred.errback, this.deferred, error);
  }

  /** The one place where the state changes; what is settled stays so while it is cleaned up. */
  protected move(to: State): void {
    if (this.state === "settled") return;
    if (!MOVES[this.state].includes(to)) throw illegalMove("an interaction", this.state, to);
    this.state = to;
  }

  #settle(): boolean {
    if (this.state === "settled") return false;
    this.move("settled");
    this.#limits?.clear();
    this.#unanswered.delete(this);
    return true;
  }
}
