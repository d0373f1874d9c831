import fc from "fast-check";

/** How many Deferreds a program has to do with. */
export const HOW_MANY = 4;

const place = fc.nat(HOW_MANY - 1);

/** What a canceller does, for each Deferred. */
export const cancellers = fc.array(fc.constantFrom("none", "idle", "fires", "fails", "throws"), {
  minLength: HOW_MANY,
  maxLength: HOW_MANY,
});

export type Canceller = "none" | "idle" | "fires" | "fails" | "throws";

/** What a callback comes to. */
const outcome = fc.oneof(
  fc.record({ kind: fc.constant("passes" as const) }),
  fc.record({ kind: fc.constant("returns" as const), value: fc.nat(99) }),
  fc.record({ kind: fc.constant("throws" as const), value: fc.nat(99) }),
  fc.record({ kind: fc.constant("returns Failure" as const), value: fc.nat(99) }),
  fc.record({ kind: fc.constant("returns Deferred" as const), which: place }),
);

export type Outcome = typeof outcome extends fc.Arbitrary<infer O> ? O : never;

const simpleActions = [
  fc.record({ kind: fc.constant("callback" as const), which: place, value: fc.nat(99) }),
  fc.record({ kind: fc.constant("errback" as const), which: place, value: fc.nat(99) }),
  fc.record({ kind: fc.constant("cancel" as const), which: place }),
  fc.record({ kind: fc.constant("pause" as const), which: place }),
  fc.record({ kind: fc.constant("unpause" as const), which: place }),
  fc.record({ kind: fc.constant("chain" as const), which: place, to: place }),
] as const;

const side = fc.constantFrom("value" as const, "failure" as const, "both" as const);

const simpleAction = fc.oneof(...simpleActions);

/** What is done inside of a callback, before it comes to its outcome. */
const inner = fc.array(
  fc.oneof(
    simpleAction,
    fc.record({
      kind: fc.constant("add" as const),
      which: place,
      side,
      outcome,
      inner: fc.constant([] as readonly Action[]),
    }),
  ),
  { maxLength: 2 },
);

const action = fc.oneof(
  { weight: 1, arbitrary: simpleAction },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("add" as const), which: place, side, outcome, inner }),
  },
);

export type SimpleAction = typeof simpleAction extends fc.Arbitrary<infer A> ? A : never;

export type Side = "value" | "failure" | "both";

export interface Addition {
  readonly kind: "add";
  readonly which: number;
  readonly side: Side;
  readonly outcome: Outcome;
  readonly inner: readonly Action[];
}

export type Action = SimpleAction | Addition;

export const programs: fc.Arbitrary<readonly Action[]> = fc.array(action, { maxLength: 25 });

/** One side of the comparison. Results are shown as text: `7`, `undefined`, or `!Name: message`. */
export interface Subject {
  perform(action: SimpleAction): void;
  add(which: number, side: Side, callback: (shown: string) => Outcome): void;
  called(which: number): boolean;
}

/** Runs the program, and tells what happened, in order. */
export function traceOf(program: readonly Action[], subject: Subject): readonly string[] {
  const trace: string[] = [];
  let additions = 0;

  const perform = (action: Action): void => {
    if (action.kind === "add") {
      const name = `${action.which}.${additions}`;
      additions += 1;
      subject.add(action.which, action.side, (shown) => {
        trace.push(`${name}(${shown})`);
        for (const each of action.inner) perform(each);
        return action.outcome;
      });
      return;
    }
    try {
      subject.perform(action);
    } catch (error) {
      trace.push(`${action.kind} ${action.which}: ${(error as Error).name}`);
    }
  };

  for (const action of program) perform(action);
  for (let which = 0; which < HOW_MANY; which += 1) {
    trace.push(`${which} ${subject.called(which) ? "called" : "pending"}`);
    subject.add(which, "both", (shown) => {
      trace.push(`${which} ends with ${shown}`);
      return { kind: "returns", value: 0 };
    });
  }
  return trace;
}
