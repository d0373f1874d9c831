import { type Deferred, fail } from "../defer/index.js";
import { takenBy } from "../diagnostics/call-site.js";
import { channels, type InteractionTrace, traced } from "../diagnostics/channels.js";
import type { PoolClosed } from "../errors/classes.js";
import { cancelledBefore } from "../errors/given-up.js";
import { InteractionCall } from "./call.js";
import { Interaction, type InteractionContext } from "./interaction.js";
import type { InteractionState } from "./interaction-state.js";
import type { InteractionKind } from "./kind.js";

/** The interactions of a pool that have not been answered, and how a call becomes one. */
export class Interactions {
  readonly #context: InteractionContext;
  readonly #unanswered = new Set<InteractionState<unknown>>();

  constructor(context: InteractionContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#unanswered.size;
  }

  /** Runs `([options,] fn, ...args)`, the call of the public `verb`. */
  run(
    kind: InteractionKind,
    call: readonly unknown[],
    verb: (...call: never[]) => unknown,
  ): Deferred<unknown> {
    let parsed: InteractionCall;
    try {
      parsed = new InteractionCall(call);
      kind.check?.(parsed.options);
    } catch (error) {
      return fail(error);
    }
    const { signal } = parsed.options;
    if (signal?.aborted) return cancelledBefore(signal, undefined);
    const leaksTold = this.#context.options.leakDetectionMillis !== undefined;
    const stack = leaksTold ? takenBy(verb, true) : undefined;
    const start = () => {
      const interaction = new Interaction<unknown>(this.#context, kind, parsed, stack, this.#unanswered);
      interaction.start();
      return interaction.deferred;
    };
    if (!channels.interaction.hasSubscribers) return start();
    const trace: InteractionTrace = { ...this.#context.origin, verb: kind.verb };
    parsed.trace = trace;
    return traced(channels.interaction, trace, start);
  }

  /** Cancels those that have a connection. */
  cancel(cause: PoolClosed): void {
    const running = [...this.#unanswered].filter(({ state }) => state !== "waiting");
    for (const interaction of running) interaction.cancel(cause);
  }
}
