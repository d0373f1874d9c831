import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  CancelledError,
  Deferred,
  FirstError,
  fail,
  gatherResults,
  inlineCallbacks,
  succeed,
} from "adbapi/defer";
import { describe, expect, it } from "vitest";

describe("then", () => {
  it("sees the result at its place, leaves it as it is, and calls back later", async () => {
    const deferred = succeed(1);
    const order: string[] = [];
    const promise = deferred.then((n) => order.push(`then ${n}`));
    deferred.addCallback((n) => order.push(`callback ${n}`) + 1);
    expect(promise).toBeInstanceOf(Promise);
    await promise;
    expect(order).toEqual(["callback 1", "then 1"]);
    expect(await deferred).toBe(2);
    expect(await deferred).toBe(2);
  });

  it("settles the promises of catch, finally and toPromise", async () => {
    const error = new Error("e");
    expect(await fail(error).catch((caught) => caught)).toBe(error);
    expect(await succeed(1).finally(() => 2)).toBe(1);
    await expect(fail(error).toPromise()).rejects.toBe(error);
    await expect(fail(error).finally()).rejects.toBe(error);
  });

  it("waits when the Deferred has not fired, or waits itself", async () => {
    const inner = new Deferred<number>();
    const promise = succeed(0)
      .addCallback(() => inner)
      .toPromise();
    setImmediate(() => inner.callback(8));
    expect(await promise).toBe(8);
  });
});

describe("fromPromise", () => {
  it("fires as the promise does", async () => {
    expect(await Deferred.fromPromise(Promise.resolve(1))).toBe(1);
    await expect(Deferred.fromPromise(Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await Deferred.fromPromise({ then: (ok) => ok?.(5) as never })).toBe(5);
  });

  it("can be cancelled, and swallows what comes late", async () => {
    const promise = new Promise<number>((resolve) => setImmediate(resolve, 1));
    const deferred = Deferred.fromPromise(promise);
    deferred.cancel();
    await expect(deferred).rejects.toThrow(CancelledError);
    expect(await promise).toBe(1);
  });
});

/** Made where no line of the caller is on the stack. */
class FarError extends Error {
  constructor(message: string) {
    super(message);
    Object.defineProperty(this, Symbol.for("adbapi.farFromCaller"), { value: true, writable: true });
  }
  override get name(): string {
    return "FarError";
  }
}

function failsLater(): Deferred<never> {
  const deferred = new Deferred<never>();
  setImmediate(() => deferred.errback(new FarError("from afar")));
  return deferred;
}

async function stackOf(work: () => PromiseLike<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as Error).stack ?? "";
  }
  throw new Error("it should have failed");
}

describe("the stack of an error that was made far away", () => {
  async function awaits(make: () => PromiseLike<unknown>): Promise<void> {
    await make();
  }
  async function returns(make: () => PromiseLike<unknown>): Promise<unknown> {
    return make();
  }
  async function callsOne(one: typeof returns, make: () => PromiseLike<unknown>): Promise<void> {
    await one(make);
  }
  const ways: readonly [string, () => PromiseLike<unknown>][] = [
    ["later", failsLater],
    ["before", () => fail(new FarError("from afar"))],
    ["through toPromise()", () => failsLater().toPromise()],
    ["through a chain", () => succeed(0).addCallback(failsLater)],
    ["through a list", () => gatherResults([succeed(1), failsLater()])],
  ];

  it.each(ways)("leads to the lines that wait: failed %s", async (_way, make) => {
    const stack = await stackOf(() => callsOne(awaits, make));
    expect(stack).toMatch(/^\w+Error: .*from afar\n/);
    expect(stack).toMatch(
      /at (async )?awaits .*promises\.test\.ts[\s\S]*at (async )?callsOne .*promises\.test\.ts/,
    );
    expect(stack).not.toContain("processImmediate");
  });

  it.each(ways)("leads on through a function that returns the Deferred: failed %s", async (_way, make) => {
    expect(await stackOf(() => callsOne(returns, make))).toMatch(/at (async )?callsOne .*promises\.test\.ts/);
  });

  it("leads to the line of a generator", async () => {
    const generates = inlineCallbacks(function* usersGenerator() {
      yield* failsLater();
    });
    expect(await stackOf(generates)).toMatch(/usersGenerator .*promises\.test\.ts/);
  });

  it("is captured once, and never for an error that was made nearby", async () => {
    const far = new FarError("once");
    await stackOf(() => fail(far));
    const { stack } = far;
    await stackOf(() => fail(far));
    expect(far.stack).toBe(stack);
    const near = new Error("near");
    const before = near.stack;
    await stackOf(() => fail(near));
    expect(near.stack).toBe(before);
  });

  it("is kept where no function waits", async () => {
    const far = new FarError("from afar");
    const before = far.stack;
    const caught = await new Promise((resolve) => {
      setImmediate(() => fail(far).catch((error) => setImmediate(resolve, error)));
    });
    expect(caught).toBe(far);
    expect(far.stack).toBe(before);
  });

  it("is left alone where it cannot be changed", async () => {
    const frozen = Object.freeze(new FarError("frozen"));
    await expect(fail(frozen)).rejects.toBe(frozen);
  });

  it("keeps the cause of a FirstError", async () => {
    const error = await gatherResults([failsLater()]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FirstError);
    expect(error).toMatchObject({ index: 0, cause: { message: "from afar" } });
  });
});

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs a program of its own; comes back with what it printed and its exit code. */
async function program(
  body: string,
  ...flags: string[]
): Promise<{ out: string; err: string; code: number }> {
  const source = `
    import * as defer from "adbapi/defer";
    const { Deferred, DeferredList, Failure, succeed, fail, gatherResults, race, CancelledError } = defer;
    ${body}`;
  const run = promisify(execFile)(process.execPath, [...flags, "--input-type=module", "-e", source], {
    cwd: root,
  });
  return run.then(
    ({ stdout, stderr }) => ({ out: stdout, err: stderr, code: 0 }),
    ({ stdout, stderr, code }) => ({ out: stdout, err: stderr, code }),
  );
}

const listening = `process.on("unhandledRejection", (error) => console.log("unhandled", error.message));`;

describe("an unhandled failure", () => {
  it("ends the process as an unhandled rejection does, with the stack of the place that failed", async () => {
    const { err, code } = await program(`
      function thePlace() { throw new RangeError("nobody cares"); }
      succeed(1).addCallback(thePlace).addCallback(() => {});`);
    expect(code).toBe(1);
    expect(err).toContain("RangeError: nobody cares\n    at thePlace");
  });

  it("is reported once, also when it came from inside, or in a list member that nobody watches", async () => {
    const { out } = await program(`${listening}
      fail(new Error("1"));
      const inner = new Deferred();
      succeed(0).addCallback(() => inner).addCallback(() => 0);
      inner.errback(new Error("2"));
      fail(new Error("3")).addErrback(() => { throw new Error("4"); });
      new Deferred(() => { throw new Error("5"); }).cancel();
      new Deferred((d) => { d.callback(0); throw new Error("6"); }).cancel();
      gatherResults([fail(new Error("7"))]);
      fail(new Error("8")).addCallback(() => 0);
      fail(new Error("9")).then(() => 0);`);
    const reports = out.trim().split("\n").sort();
    expect(reports).toEqual([
      "unhandled 1",
      "unhandled 2",
      "unhandled 4",
      "unhandled 5",
      "unhandled 6",
      "unhandled 8",
      "unhandled 9",
      "unhandled member 0 failed: 7",
    ]);
  });

  it("follows --unhandled-rejections", async () => {
    const { err, code } = await program(`fail(new Error("only a warning"));`, "--unhandled-rejections=warn");
    expect(code).toBe(0);
    expect(err).toContain("only a warning");
  });

  it("is none when it is handled in time: in this tick, or some microtasks later", async () => {
    const { out, code } = await program(`${listening}
      const ignore = () => {};
      fail(new Error("a")).addErrback(ignore);
      fail(new Error("b")).catch(ignore);
      try { await fail(new Error("c")); } catch {}
      const late = fail(new Error("d"));
      Promise.resolve().then(ignore).then(ignore).then(() => late.addErrback(ignore));
      process.nextTick(() => {
        const e = fail(new Error("e"));
        queueMicrotask(() => e.addBoth(ignore));
      });
      const paused = fail(new Error("f"));
      paused.pause();
      paused.addErrback(ignore);
      const seen = fail(new Error("g"));
      seen.catch(ignore);
      seen.addCallback(ignore);
      const returned = fail(new Error("h"));
      succeed(0).addCallback(() => returned).addErrback(ignore);
      const chained = new Deferred();
      fail(new Error("i")).chainDeferred(chained);
      chained.addErrback(ignore);`);
    expect(out).toBe("");
    expect(code).toBe(0);
  });

  it("is none in the members of a list, of which the list has seen it", async () => {
    const { out } = await program(`${listening}
      const failing = () => { const d = new Deferred(); setImmediate(() => d.errback(new Error("x"))); return d; };
      await gatherResults([failing(), failing()]).catch(() => {});
      await new DeferredList([failing(), fail(new Error("y"))]);
      await race([failing(), failing()]).catch(() => {});
      await race([failing(), new Deferred((d) => d.errback(new Error("z"))), succeed(1)]);
      await new Promise((resolve) => setTimeout(resolve, 5));`);
    expect(out).toBe("");
  });

  it("is none for a cancel", async () => {
    const { out } = await program(`${listening}
      new Deferred().cancel();
      fail(new CancelledError());
      gatherResults([new Deferred(), new Deferred()]).cancel();
      race([new Deferred(), new Deferred()]).cancel();
      defer.inlineCallbacks(function* () { yield* new Deferred(); })().cancel();
      defer.coiterate((function* () { for (;;) yield; })()).cancel();`);
    expect(out).toBe("");
  });
});

describe("setDebugging", () => {
  it("adds where the Deferred was made and fired", async () => {
    const { err, out } = await program(`
      defer.setDebugging(true);
      function maker() { return new Deferred(); }
      function firer(d) { d.errback(new Error("debug me")); }
      const d = maker();
      const twice = maker();
      twice.callback(1);
      try { twice.callback(2); } catch (error) { console.log(error.message); }
      firer(d);`);
    expect(err).toMatch(/debug me[\s\S]*Deferred made:\n +at maker[\s\S]*Deferred fired:\n +at firer/);
    expect(out).toMatch(/fired before[\s\S]*Deferred made:\n +at maker[\s\S]*Deferred fired:/);
  });
});
