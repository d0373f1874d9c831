import {
  CancelledError,
  Deferred,
  DeferredLock,
  DeferredSemaphore,
  Failure,
  inlineCallbacks,
  succeed,
} from "adbapi/defer";
import { describe, expect, it } from "vitest";

const MANY = 100_000;

describe("a hundred thousand", () => {
  it("callbacks", async () => {
    const deferred = new Deferred<number>();
    for (let i = 0; i < MANY; i += 1) deferred.addCallback((n) => n + 1);
    deferred.callback(0);
    expect(await deferred).toBe(MANY);
  });

  it("nested Deferreds that have been fired", async () => {
    let deferred: Deferred<number> = succeed(0);
    for (let i = 0; i < MANY; i += 1) {
      const inner = deferred;
      deferred = succeed(undefined)
        .addCallback(() => inner)
        .addCallback((n) => n + 1);
    }
    expect(await deferred).toBe(MANY);
  });

  function nested(): { readonly outermost: Deferred<unknown>; readonly innermost: Deferred<unknown> } {
    const innermost = new Deferred<unknown>();
    let outermost: Deferred<unknown> = innermost;
    for (let i = 0; i < MANY; i += 1) {
      const inner = outermost;
      outermost = succeed(undefined).addCallback(() => inner);
    }
    return { outermost, innermost };
  }

  it("Deferreds that wait for one another", async () => {
    const { outermost, innermost } = nested();
    innermost.callback("through");
    expect(await outermost).toBe("through");
  });

  it("Deferreds that a cancel has to go through", async () => {
    const { outermost } = nested();
    outermost.cancel();
    await expect(outermost).rejects.toThrow(CancelledError);
  });

  it("rungs of a ladder of chainDeferred", async () => {
    const rungs = Array.from({ length: MANY }, () => new Deferred<number>());
    for (let i = 1; i < MANY; i += 1) rungs[i - 1]!.addCallback((n) => n + 1).chainDeferred(rungs[i]!);
    rungs[0]!.callback(1);
    expect(await rungs[MANY - 1]!).toBe(MANY);
  });

  it.each([
    ["lock", new DeferredLock()],
    ["semaphore", new DeferredSemaphore(2)],
  ])("synchronous users in the queue of a %s", (_name, primitive) => {
    const holders = [primitive.acquire(), primitive.acquire()];
    let ran = 0;
    for (let i = 0; i < MANY / 2; i += 1) {
      primitive.run(() => {
        ran += 1;
      });
      primitive.acquire().addCallback((held) => {
        ran += 1;
        held.release();
      });
    }
    expect(ran).toBe(0);
    for (const holder of holders) holder.addCallback((held) => held.release());
    expect(ran).toBe(MANY);
  });

  it("yields of Deferreds that have been fired", async () => {
    const count = inlineCallbacks(function* () {
      let n = 0;
      for (let i = 0; i < MANY; i += 1) n += yield* succeed(1);
      return n;
    });
    expect(await count()).toBe(MANY);
  });

  it("generators that wait for one another", async () => {
    const addOne = inlineCallbacks(function* (inner: Deferred<number>) {
      return (yield* inner) + 1;
    });
    const first = new Deferred<number>();
    let last = first;
    for (let i = 0; i < MANY; i += 1) last = addOne(last);
    first.callback(0);
    expect(await last).toBe(MANY);
  });

  it("failures that pass through a chain", async () => {
    const deferred = new Deferred<never>();
    for (let i = 0; i < MANY; i += 1) deferred.addErrback((failure) => failure);
    deferred.errback(new Error("kept"));
    const end = deferred.addErrback((failure) => failure instanceof Failure && failure.getErrorMessage());
    expect(await end).toBe("kept");
  });
});
