import {
  CancelledError,
  Deferred,
  DeferredList,
  deferLater,
  execute,
  Failure,
  FailureGroup,
  FirstError,
  fail,
  gatherResults,
  maybeDeferred,
  race,
  succeed,
} from "adbapi/defer";
import { describe, expect, it, vi } from "vitest";

describe("maybeDeferred and execute", () => {
  it("make a Deferred of whatever comes of the call", async () => {
    for (const wrap of [maybeDeferred, execute]) {
      expect(await wrap((a: number, b: number) => a + b, 1, 2)).toBe(3);
      expect(await wrap(() => Promise.resolve(4))).toBe(4);
      await expect(wrap(() => new Failure(new Error("returned")))).rejects.toThrow("returned");
      const throws = (): never => {
        throw new Error("thrown");
      };
      await expect(wrap(throws)).rejects.toThrow("thrown");
    }
    const deferred = succeed(1);
    expect(maybeDeferred(() => deferred)).toBe(deferred);
  });
});

describe("DeferredList", () => {
  it("fires with every outcome, in the order of the list", async () => {
    const late = new Deferred<string>();
    const error = new Error("no");
    const list = new DeferredList([late, fail(error), Promise.resolve(3), 4]);
    setImmediate(() => late.callback("late"));
    const results = await list;
    expect(results).toEqual([
      [true, "late"],
      [false, expect.any(Failure)],
      [true, 3],
      [true, 4],
    ]);
    expect((results[1][1] as Failure).value).toBe(error);
  });

  it("leaves the results in its members, and the errors too unless it consumes them", async () => {
    const [good, bad, consumed] = [succeed(1), fail(new Error("kept")), fail(new Error("gone"))];
    await new DeferredList([good, bad]);
    await new DeferredList([consumed], { consumeErrors: true });
    expect(await good).toBe(1);
    await expect(bad).rejects.toThrow("kept");
    expect(await consumed).toBeUndefined();
  });

  it("fires early when asked to, and no second time", async () => {
    const members = [new Deferred<number>(), new Deferred<number>()];
    const list = new DeferredList(members, { fireOnOneCallback: true });
    members[1]!.callback(7);
    members[0]!.callback(8);
    expect(await list).toEqual([7, 1]);
    const failing = new DeferredList([fail(new Error("a")), fail(new Error("b"))], {
      fireOnOneErrback: true,
    });
    await expect(failing).rejects.toMatchObject({ name: "FirstError", index: 0 });
    const none = new DeferredList([fail(new Error("a"))], { fireOnOneCallback: true });
    expect(await none).toEqual([[false, expect.any(Failure)]]);
  });

  it("of nothing fires at once, unless one success is asked for", async () => {
    expect(await new DeferredList([])).toEqual([]);
    expect(await gatherResults([])).toEqual([]);
    for (const empty of [race([]), new DeferredList([], { fireOnOneCallback: true })]) {
      const error = await empty.catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(FailureGroup);
      expect((error as FailureGroup).failures).toEqual([]);
    }
  });

  it("cancels its members, which fire it", async () => {
    const stubborn = new Deferred<string>((mine) => mine.callback("anyway"));
    const list = new DeferredList([new Deferred(), stubborn]);
    list.cancel();
    const results = await list;
    expect(results[0][0]).toBe(false);
    expect(results[1]).toEqual([true, "anyway"]);
  });

  it("cancels what its own chain waits for, once it has fired", async () => {
    const inner = new Deferred<never>();
    const list = new DeferredList([succeed(1)]);
    const end = list.addCallback(() => inner);
    list.cancel();
    await expect(end).rejects.toThrow(CancelledError);
  });
});

describe("gatherResults", () => {
  it("fires with the values, or with FirstError at the first failure", async () => {
    expect(await gatherResults([succeed(1), "two", Promise.resolve(true)])).toEqual([1, "two", true]);
    const pending = new Deferred();
    const error = await gatherResults([pending, fail(new RangeError("r"))]).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(FirstError);
    const { index, subFailure, cause } = error as FirstError;
    expect([index, subFailure.value, subFailure.check(RangeError)]).toEqual([1, cause, RangeError]);
  });

  it("cancels every member", async () => {
    const cancellers = [vi.fn(), vi.fn()];
    const gathered = gatherResults(cancellers.map((canceller) => new Deferred(canceller)));
    gathered.cancel();
    for (const canceller of cancellers) expect(canceller).toHaveBeenCalledOnce();
    await expect(gathered).rejects.toMatchObject({ cause: expect.any(CancelledError) });
  });
});

describe("race", () => {
  it("fires with the first success, and cancels the losers only", async () => {
    const cancellers = [vi.fn(), vi.fn(), vi.fn()];
    const members = cancellers.map((canceller) => new Deferred<string>(canceller));
    const outcome = race([fail(new Error("too bad")), ...members]);
    members[1]!.callback("won");
    expect(await outcome).toEqual([2, "won"]);
    expect(cancellers.map((canceller) => canceller.mock.calls.length)).toEqual([1, 0, 1]);
    expect(await members[1]).toBe("won");
  });

  it("fails when all have failed, in the order of the list", async () => {
    const members = [new Deferred<never>(), new Deferred<never>()];
    const outcome = race(members);
    members[1]!.errback(new Error("b"));
    members[0]!.errback(new Error("a"));
    const error = await outcome.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FailureGroup);
    expect((error as FailureGroup).failures.map((failure) => failure.getErrorMessage())).toEqual(["a", "b"]);
  });

  it("is won by one that answers its cancel with a value", async () => {
    const stubborn = new Deferred<string>((mine) => mine.callback("stubborn"));
    const outcome = race([new Deferred<string>(), stubborn]);
    outcome.cancel();
    expect(await outcome).toEqual([1, "stubborn"]);
  });

  it("bears a loser that ignores its cancel, and a cancel that nobody heeds", async () => {
    const loser = new Deferred<number>(() => {});
    loser.pause();
    expect(await race([loser, succeed(1)])).toEqual([1, 1]);
    loser.unpause();
    const deaf = new Deferred<number>();
    deaf.pause();
    const outcome = race([deaf]);
    outcome.cancel();
    await expect(outcome).rejects.toThrow(CancelledError);
    deaf.unpause();
  });
});

describe("deferLater", () => {
  it("calls after that time", async () => {
    expect(await deferLater(1, (a: number) => Promise.resolve(a), 5)).toBe(5);
    expect(await deferLater(0)).toBeUndefined();
    expect(() => deferLater(Number.NaN)).toThrow(RangeError);
  });

  it("stops its timer when it is cancelled", async () => {
    vi.useFakeTimers();
    try {
      const fn = vi.fn();
      const deferred = deferLater(1000, fn);
      expect(vi.getTimerCount()).toBe(1);
      deferred.cancel();
      expect(vi.getTimerCount()).toBe(0);
      deferred.addErrback((failure) => failure.trap(CancelledError));
      expect(fn).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});
