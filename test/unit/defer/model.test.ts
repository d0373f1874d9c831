import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelSubject } from "./model/model.js";
import { cancellers, programs, traceOf } from "./model/program.js";
import { RealSubject } from "./model/real.js";

describe("any program of callbacks, errbacks, nested Deferreds, pauses and cancels", () => {
  it("does what the model does, in the same order", () => {
    fc.assert(
      fc.property(cancellers, programs, (kinds, program) => {
        const real = traceOf(program, new RealSubject(kinds));
        expect(real).toEqual(traceOf(program, new ModelSubject(kinds)));
      }),
      { numRuns: 5000 },
    );
  });
});
