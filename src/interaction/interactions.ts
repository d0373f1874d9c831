import { type Deferred, fail } from "../defer/index.js";
import { takenBy } from "../diagnostics/call-site.js";
import { channels, type InteractionTrace, traced } from "../diagnostics/channels.js";
import { cancelledBefore } from "../errors/cancelled-before.js";
import type { PoolClosed } from "../errors/classes.js";
import { checkInteractionOptions } from "../options/call-options.js";
import { interactionCall } from "./call.js";
import { Interaction, type InteractionContext } from "./interaction.js";
import type { InteractionKind } from "./kind.js";

/** The interactions of a pool that have not been answered, and how a call becomes one. */
export class Interactions {
  readonly #context: InteractionContext;
  readonly #unanswered = new Set<Interaction<unknown>>();

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
    let parsed: ReturnType<typeof interactionCall>;
    try {
      parsed = interactionCall(call);
      checkInteractionOptions(parsed.options);
    } catch (error) {
      return fail(error);
    }
    const { options = {}, fn, args } = parsed;
    if (options.signal?.aborted) return cancelledBefore(options.signal, undefined);
    const stack = takenBy(verb, this.#context.options.leakDetectionMillis !== undefined);
    const work = (face: unknown) => (fn as (...all: unknown[]) => unknown)(face, ...args);
    const start = (fn: (face: unknown) => unknown) => {
      const interaction = new Interaction<unknown>(this.#context, kind, options, fn, stack, () =>
        this.#unanswered.delete(interaction),
      );
      this.#unanswered.add(interaction);
      interaction.start();
      return interaction.deferred;
    };
    if (!channels.interaction.hasSubscribers) return start(work);
    const trace: InteractionTrace = { ...this.#context.origin, verb: kind.verb };
    const around = (face: unknown) =>
      trace.around === undefined ? work(face) : trace.around(() => work(face));
    return traced(channels.interaction, trace, () => start(around));
  }

  /** Cancels those that have a connection. */
  cancel(cause: PoolClosed): void {
    const running = [...this.#unanswered].filter(({ state }) => state !== "waiting");
    for (const interaction of running) interaction.cancel(cause);
  }
}
