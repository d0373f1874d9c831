import { CancelledError, Deferred, Failure, fail, inlineCallbacks, succeed } from "adbapi/defer";
import { describe, expect, it, vi } from "vitest";

describe("inlineCallbacks", () => {
  it("waits for Deferreds and thenables, and gives plain values back", async () => {
    const later = new Deferred<number>();
    const run = inlineCallbacks(function* (start: number) {
      const a = yield* later;
      const b = (yield Promise.resolve(20)) as number;
      const c = (yield 300) as number;
      return start + a + b + c;
    });
    const result = run(4000);
    later.callback(1);
    expect(await result).toBe(4321);
    expect(await later).toBe(1);
  });

  it("runs without leaving the tick while results are there", () => {
    const seen: unknown[] = [];
    inlineCallbacks(function* () {
      return (yield* succeed(1)) + (yield* succeed(2));
    })().addCallback((sum) => seen.push(sum));
    expect(seen).toEqual([3]);
  });

  it("throws failures in, and fails with what is thrown out", async () => {
    const catches = inlineCallbacks(function* () {
      try {
        yield* fail(new RangeError("in"));
      } catch (error) {
        return (error as Error).message;
      }
      return "not reached";
    });
    expect(await catches()).toBe("in");
    await expect(
      inlineCallbacks(function* () {
        yield new Failure(new Error("out"));
      })(),
    ).rejects.toThrow("out");
  });

  it("waits for a Deferred that the generator returns", async () => {
    const returned = new Deferred<string>();
    const result = inlineCallbacks(function* () {
      yield* succeed(0);
      return returned;
    })();
    returned.callback("r");
    expect(await result).toBe("r");
  });

  it("keeps `this`, and refuses what makes no generator", async () => {
    class Greeter {
      readonly name = "you";
      greet = inlineCallbacks(function* (this: Greeter) {
        return `hello ${yield* succeed(this.name)}`;
      });
    }
    expect(await new Greeter().greet()).toBe("hello you");
    expect(() => inlineCallbacks((() => 5) as never)()).toThrow("function*");
  });
});

describe("cancel of a generator's Deferred", () => {
  it("cancels what it waits for; the CancelledError is thrown in", async () => {
    const canceller = vi.fn();
    let cleaned = false;
    const result = inlineCallbacks(function* () {
      try {
        yield* new Deferred<never>(canceller);
      } finally {
        cleaned = true;
      }
    })();
    result.cancel();
    expect(canceller).toHaveBeenCalledOnce();
    expect(cleaned).toBe(true);
    await expect(result).rejects.toThrow(CancelledError);
  });

  it("may be caught: the generator goes on, and can be cancelled again", async () => {
    const second = new Deferred<string>();
    const result = inlineCallbacks(function* () {
      const caught: string[] = [];
      for (const step of [new Deferred<string>(), new Deferred<string>(), second]) {
        try {
          caught.push(yield* step);
        } catch (error) {
          caught.push((error as Error).name);
        }
      }
      return caught;
    })();
    result.cancel();
    result.cancel();
    second.callback("done");
    expect(await result).toEqual(["CancelledError", "CancelledError", "done"]);
  });

  it("reaches through generators that wait for generators", async () => {
    const innermost = new Deferred<never>();
    const wait = inlineCallbacks(function* (on: Deferred<never>): Generator<unknown, never, unknown> {
      return yield* on;
    });
    const result = wait(wait(wait(innermost)));
    result.cancel();
    await expect(result).rejects.toThrow(CancelledError);
    await expect(innermost).rejects.toThrow(CancelledError);
  });

  it("from inside, while it runs, cancels the next that it waits for", async () => {
    const gate = new Deferred<void>();
    const result: Deferred<string> = inlineCallbacks(function* () {
      yield* gate;
      result.cancel();
      try {
        yield* new Deferred<never>();
      } catch (error) {
        return (error as Error).name;
      }
      return "not reached";
    })();
    gate.callback();
    expect(await result).toBe("CancelledError");
  });

  it("lets go of a promise", async () => {
    const result = inlineCallbacks(function* () {
      yield new Promise(() => {});
    })();
    result.cancel();
    await expect(result).rejects.toThrow(CancelledError);
  });
});
