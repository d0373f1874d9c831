import { inspect } from "node:util";
import {
  AlreadyCalledError,
  CancelledError,
  Deferred,
  Failure,
  fail,
  succeed,
  TimeoutError,
} from "adbapi/defer";
import { describe, expect, it, vi } from "vitest";

/** What a Deferred has at the end of its chain now; "nothing" while it has not. */
function resultOf(deferred: Deferred<unknown>): unknown {
  let result: unknown = "nothing";
  deferred.addBoth((here) => {
    result = here;
  });
  return result;
}

function errorOf(deferred: Deferred<unknown>): Error {
  const failure = resultOf(deferred);
  expect(failure).toBeInstanceOf(Failure);
  return (failure as Failure).value;
}

describe("callbacks", () => {
  it("run in order and synchronously, each with what the one before returned", () => {
    const deferred = new Deferred<number>();
    const seen: unknown[] = [];
    const end = deferred
      .addCallback((n) => n + 1)
      .addCallback((n, more: string) => `${n}${more}`, "!")
      .addCallback((text) => seen.push(text));
    expect(deferred.called).toBe(false);
    deferred.callback(1);
    expect(seen).toEqual(["2!"]);
    expect(end).toBe(deferred);
    expect(deferred.called).toBe(true);
  });

  it("run at once when they come after the result", () => {
    expect(resultOf(succeed(1).addCallback((n) => n + 1))).toBe(2);
  });

  it("switch to the error side when one throws, and back when an errback returns", () => {
    const seen: string[] = [];
    const deferred = succeed(0)
      .addCallback(() => {
        throw new RangeError("up");
      })
      .addCallback(() => seen.push("not this"))
      .addErrback((failure) => failure.getErrorMessage())
      .addErrback(() => seen.push("nor this"));
    expect(resultOf(deferred)).toBe("up");
    expect(seen).toEqual([]);
  });

  it("take a returned Failure as thrown, and keep a thrown Failure as it is", () => {
    const failure = new Failure(new Error("f"));
    expect(resultOf(succeed(0).addCallback(() => failure))).toBe(failure);
    const thrown = succeed(0).addCallback(() => {
      throw failure;
    });
    expect(resultOf(thrown)).toBe(failure);
    const fired = new Deferred<unknown>();
    fired.callback(failure);
    expect(resultOf(fired)).toBe(failure);
  });

  it("pair up in addCallbacks: the errback does not see the callback's error", () => {
    const errback = vi.fn();
    const deferred = succeed(1).addCallbacks(
      (n, by: number) => {
        throw new Error(String(n * by));
      },
      errback,
      [5],
    );
    expect(errorOf(deferred).message).toBe("5");
    expect(errback).not.toHaveBeenCalled();
    const other = fail(new Error("no")).addCallbacks(
      null,
      (failure, more: number) => [failure.value.message, more],
      undefined,
      [7],
    );
    expect(resultOf(other)).toEqual(["no", 7]);
  });

  it("may add callbacks to, and fire, the Deferred that they run in and others", () => {
    const order: string[] = [];
    const other = new Deferred<void>();
    other.addCallback(() => order.push("other"));
    const deferred = new Deferred<void>();
    deferred.addCallback(() => {
      order.push("first");
      deferred.addCallback(() => order.push("added"));
      other.callback();
      expect(() => deferred.callback()).toThrow(AlreadyCalledError);
      order.push("first ends");
    });
    deferred.addCallback(() => order.push("second"));
    deferred.callback();
    expect(order).toEqual(["first", "other", "first ends", "second", "added"]);
  });

  it("must be functions", () => {
    expect(() => new Deferred().addCallback(7 as never)).toThrow(TypeError);
    expect(() => new Deferred().addCallbacks("no" as never)).toThrow(TypeError);
  });
});

describe("firing", () => {
  it("a second time is an AlreadyCalledError, and changes nothing", () => {
    const deferred = succeed(1);
    expect(() => deferred.callback(2)).toThrow(AlreadyCalledError);
    expect(() => deferred.errback(new Error("late"))).toThrow(AlreadyCalledError);
    expect(resultOf(deferred)).toBe(1);
  });

  it("refuses a Deferred", () => {
    const deferred = new Deferred<unknown>();
    expect(() => deferred.callback(succeed(1))).toThrow(TypeError);
    expect(deferred.called).toBe(false);
  });

  it("wraps what is not an Error, and keeps it", () => {
    for (const thrown of ["text", 0, null, undefined, Symbol("s"), { code: 7 }, Object.create(null)]) {
      const error = errorOf(fail(thrown));
      expect(error).toBeInstanceOf(Error);
      expect(error.cause).toBe(thrown);
    }
  });
});

describe("a Proxy that throws whatever it is asked", () => {
  const refuse = (): never => {
    throw new Error("trap");
  };
  const evil = new Proxy({}, { get: refuse, getPrototypeOf: refuse, ownKeys: refuse });

  it("can be thrown, and returned, and the chain goes on", () => {
    const thrown = succeed(0)
      .addCallback(() => {
        throw evil;
      })
      .addErrback((failure) => failure.value.cause === evil);
    expect(resultOf(thrown)).toBe(true);
    expect(errorOf(succeed(0).addCallback(() => evil)).message).toBe("trap");
  });
});

describe("waiting", () => {
  it("for a Deferred that a callback returns, and goes on with its result, which it takes", () => {
    const inner = new Deferred<string>();
    const outer = succeed(0)
      .addCallback(() => inner)
      .addCallback((text) => text.length);
    expect(resultOf(outer)).toBe("nothing");
    inner.callback("four");
    expect(resultOf(inner)).toBeUndefined();
    const after = succeed(0).addCallback(() => succeed("now"));
    expect(resultOf(after)).toBe("now");
  });

  it("passes on the result it waited for", () => {
    const inner = new Deferred<string>();
    const seen: unknown[] = [];
    succeed(0)
      .addCallback(() => inner)
      .addBoth((result) => seen.push(result));
    inner.callback("late");
    expect(seen).toEqual(["late"]);
  });

  it("runs the waiting chain before later callbacks of the inner one", () => {
    const order: string[] = [];
    const inner = new Deferred<number>();
    inner.addCallback((n) => n + 1);
    succeed(0)
      .addCallback(() => inner)
      .addCallback((n) => order.push(`outer ${n}`));
    inner.addCallback((n) => order.push(`inner ${n}`));
    inner.callback(1);
    expect(order).toEqual(["outer 2", "inner undefined"]);
  });

  it("for a promise, and for any thenable", async () => {
    await expect(succeed(0).addCallback(() => Promise.resolve(3))).resolves.toBe(3);
    await expect(succeed(0).addCallback(async () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    const thenable = { then: (ok: (value: number) => void) => ok(4) };
    await expect(succeed(0).addCallback(() => thenable)).resolves.toBe(4);
  });

  it.each<[string, (ok: (value: unknown) => void, no: (error: unknown) => void) => void, unknown]>([
    ["calls both", (ok, no) => [ok(1), no(new Error("late"))], 1],
    ["calls twice", (ok) => [ok(1), ok(2)], 1],
    [
      "throws after it resolved",
      (ok) => {
        ok(1);
        throw new Error("late");
      },
      1,
    ],
    ["resolves with a Deferred", (ok) => ok(succeed(1)), 1],
    ["resolves with a thenable", (ok) => ok({ then: (ok2: (value: number) => void) => ok2(1) }), 1],
  ])("for a thenable that %s", async (_name, then, expected) => {
    await expect(succeed(0).addCallback(() => ({ then }))).resolves.toBe(expected);
  });

  it("fails with what the `then` of a thenable throws, also when it is a getter", async () => {
    const thrower = {
      then() {
        throw new Error("in then");
      },
    };
    await expect(succeed(0).addCallback(() => thrower)).rejects.toThrow("in then");
    const getter = {
      get then(): never {
        throw new Error("in getter");
      },
    };
    await expect(succeed(0).addCallback(() => getter)).rejects.toThrow("in getter");
  });

  it("not for itself", () => {
    const deferred: Deferred<unknown> = new Deferred<number>();
    deferred.addCallback(() => deferred);
    deferred.callback(1);
    expect(errorOf(deferred)).toBeInstanceOf(TypeError);
  });

  it("in a circle ends with a cancel", () => {
    const one: Deferred<unknown> = new Deferred<unknown>();
    const two: Deferred<unknown> = new Deferred<unknown>();
    one.addCallback(() => two);
    two.addCallback(() => one);
    one.callback(1);
    two.callback(2);
    one.cancel();
    expect(one.called && two.called).toBe(true);
  });
});

describe("chainDeferred", () => {
  it("fires the other with the result, and goes on with undefined", () => {
    const other = new Deferred<number>();
    const deferred = succeed(5);
    const rest = deferred.chainDeferred(other);
    expect(resultOf(other)).toBe(5);
    expect(resultOf(rest)).toBeUndefined();
  });

  it("hands on failures, and fails itself when the other has been fired", () => {
    const other = new Deferred<never>();
    fail(new Error("handed on")).chainDeferred(other);
    expect(errorOf(other).message).toBe("handed on");
    expect(errorOf(succeed(1).chainDeferred(succeed(2)))).toBeInstanceOf(AlreadyCalledError);
  });
});

describe("pause", () => {
  it("nests, and takes effect inside a callback", () => {
    const order: number[] = [];
    const deferred = new Deferred<void>();
    deferred.addCallback(() => {
      order.push(1);
      deferred.pause();
      deferred.pause();
    });
    deferred.addCallback(() => order.push(2));
    deferred.callback();
    expect(order).toEqual([1]);
    deferred.unpause();
    expect(order).toEqual([1]);
    deferred.unpause();
    expect(order).toEqual([1, 2]);
    expect(() => deferred.unpause()).toThrow("without a pause");
  });

  it("does not count the wait for an inner Deferred as a pause", () => {
    const inner = new Deferred<number>();
    const outer = succeed(0).addCallback(() => inner);
    expect(() => outer.unpause()).toThrow("without a pause");
    outer.pause();
    inner.callback(3);
    const seen: unknown[] = [];
    outer.addCallback((n) => seen.push(n));
    expect(seen).toEqual([]);
    outer.unpause();
    expect(seen).toEqual([3]);
  });

  it("of an inner Deferred holds the outer one", () => {
    const inner = succeed(1);
    inner.pause();
    const outer = succeed(0).addCallback(() => inner);
    const seen: unknown[] = [];
    outer.addCallback((n) => seen.push(n));
    expect(seen).toEqual([]);
    inner.unpause();
    expect(seen).toEqual([1]);
  });
});

describe("cancel", () => {
  it("without a canceller fails with CancelledError, and swallows one late result", () => {
    const deferred = new Deferred<number>();
    deferred.cancel();
    expect(errorOf(deferred)).toBeInstanceOf(CancelledError);
    deferred.callback(1);
    expect(() => deferred.callback(2)).toThrow(AlreadyCalledError);
  });

  it("leaves it to the canceller, which gets the Deferred, to fire", () => {
    const cancelled = new Deferred<string>((mine) => mine.callback("given up"));
    cancelled.cancel();
    cancelled.cancel();
    expect(resultOf(cancelled)).toBe("given up");
    const canceller = vi.fn();
    const idle = new Deferred<void>(canceller);
    idle.cancel();
    expect(canceller).toHaveBeenCalledExactlyOnceWith(idle);
    expect(errorOf(idle)).toBeInstanceOf(CancelledError);
    expect(() => idle.callback()).toThrow(AlreadyCalledError);
  });

  it("sends a canceller's own error down the chain, and bears a canceller that cancels", () => {
    const broken = new Deferred(() => {
      throw new Error("canceller");
    });
    broken.cancel();
    expect(errorOf(broken).message).toBe("canceller");
    const again = new Deferred<never>((mine) => mine.cancel());
    again.cancel();
    expect(errorOf(again)).toBeInstanceOf(CancelledError);
  });

  it("goes to the Deferred that is waited for", () => {
    const innermost = new Deferred<number>((mine) => mine.callback(9));
    const inner = succeed(0).addCallback(() => innermost);
    const outer = succeed(0).addCallback(() => inner);
    outer.cancel();
    expect(resultOf(outer)).toBe(9);
  });

  it("does nothing to one that has its result, also from inside a callback", () => {
    const deferred = new Deferred<number>();
    deferred.addCallback((n) => {
      deferred.cancel();
      return n + 1;
    });
    deferred.callback(1);
    deferred.cancel();
    expect(resultOf(deferred)).toBe(2);
  });

  it("lets go of a promise", async () => {
    let resolve!: (value: number) => void;
    const promise = new Promise<number>((fire) => {
      resolve = fire;
    });
    const outer = succeed(0).addCallback(() => promise);
    outer.cancel();
    expect(errorOf(outer)).toBeInstanceOf(CancelledError);
    resolve(1);
    await promise;
  });

  it("carries what is known of the work", () => {
    const cause = new Error("signal");
    const error = new CancelledError("too late", { cause, outcome: "applied", sql: "select 1" });
    expect(error).toMatchObject({ name: "CancelledError", message: "too late", outcome: "applied", cause });
    expect(new CancelledError().outcome).toBeUndefined();
  });
});

describe("addTimeout", () => {
  it("fails with TimeoutError when nothing came in time, and cancels the work", async () => {
    const canceller = vi.fn();
    const deferred = new Deferred<number>(canceller).addTimeout(1);
    await expect(deferred).rejects.toMatchObject({ name: "TimeoutError", cause: expect.any(CancelledError) });
    expect(canceller).toHaveBeenCalledOnce();
  });

  it("keeps what the canceller has made of it, and asks onTimeoutCancel", async () => {
    const rescued = new Deferred<string>((mine) => mine.callback("rescued")).addTimeout(1);
    await expect(rescued).resolves.toBe("rescued");
    const asked = new Deferred<string>().addTimeout(1, (result, millis) => [
      result instanceof Failure,
      millis,
    ]);
    await expect(asked).resolves.toEqual([true, 1]);
  });

  it("keeps no timer once the result is there", () => {
    vi.useFakeTimers();
    try {
      const deferred = new Deferred<number>();
      deferred.addTimeout(1000);
      expect(vi.getTimerCount()).toBe(1);
      deferred.callback(1);
      expect(vi.getTimerCount()).toBe(0);
      expect(resultOf(deferred)).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("refuses what setTimeout would take for 1", () => {
    for (const millis of [-1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, "5" as never]) {
      expect(() => new Deferred().addTimeout(millis)).toThrow(RangeError);
    }
    expect(new TimeoutError("t").name).toBe("TimeoutError");
  });
});

describe("Failure", () => {
  it("checks and traps by class", () => {
    const failure = new Failure(new RangeError("far"));
    expect(failure.check(TypeError, RangeError)).toBe(RangeError);
    expect(failure.check(TypeError)).toBeUndefined();
    expect(failure.trap(Error)).toBe(Error);
    expect(() => failure.trap(TypeError)).toThrow(failure.value);
    expect(failure.getErrorMessage()).toBe("far");
    expect(failure.getTraceback()).toContain("deferred.test.ts");
  });
});

it("console.log shows the state of a Deferred and of a Failure as Node.js shows a promise's", () => {
  const deferred = new Deferred<number>();
  expect(inspect(deferred)).toBe("Deferred { <pending> }");
  deferred.callback(1);
  expect(inspect({ deferred })).toBe("{ deferred: Deferred { 1 } }");
  deferred.addCallback(() => new Deferred());
  expect(inspect(deferred)).toBe("Deferred { <waiting> }");
  const failed = new Deferred<number>();
  failed.addErrback((failure) => failure);
  failed.errback(new TypeError("no"));
  expect(inspect(failed)).toMatch(/^Deferred \{ <rejected> TypeError: no\n/);
  expect(inspect(new Failure(new TypeError("no")))).toMatch(/^Failure \{ TypeError: no\n/);
  failed.addErrback(() => {});
  expect(Object.prototype.toString.call(failed)).toBe("[object Deferred]");
});
