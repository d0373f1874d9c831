/** A thread stays awake for the next request only where one is likely, and never for long. */
import { availableParallelism } from "node:os";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import { SpinWait } from "../../dist/drivers/blocking/spin-wait.js";

/** What `handle` finds is there as soon as it has answered: a caller could not ask again more promptly. */
function promptCaller(
  single: (n: number) => boolean,
  each: (n: number, asked: Int32Array) => void = () => {},
) {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const asked = SpinWait.share();
  const spinWait = new SpinWait(port1, asked);
  let handled = 0;
  const handle = () => {
    handled++;
    if (handled > 1_000_000) throw new Error("it looks out for ever");
    port2.postMessage("again");
    each(handled, asked);
    return single(handled);
  };
  return {
    /** As the event loop hands on a message; gives how many were handled before it had its turn again. */
    turn() {
      const before = handled;
      spinWait.receive("first", handle);
      return handled - before;
    },
  };
}

describe.runIf(availableParallelism() > 1)("a thread that stays awake", () => {
  test("begins once a caller has been prompt several times, and gives the event loop its turn all the same", () => {
    const caller = promptCaller(() => true);
    const turns = Array.from({ length: 10 }, () => caller.turn());
    expect(turns.slice(0, 7)).toEqual(new Array(7).fill(1));
    expect(Math.max(...turns)).toBeGreaterThan(10);
  });

  test("is not for many who ask together", () => {
    const caller = promptCaller((n) => n % 3 !== 0);
    for (let n = 0; n < 50; n++) expect(caller.turn()).toBe(1);
  });

  test("ends when another thread is asked", () => {
    const caller = promptCaller(
      () => true,
      (n, asked) => {
        if (n === 20) asked[0] = 99;
      },
    );
    let handled = 0;
    for (let turn = 0; handled < 20 && turn < 20; turn++) handled += caller.turn();
    expect(handled).toBe(20);
    expect(caller.turn()).toBe(1);
  });

  test("leaves the event loop its turn, however the messages come", async () => {
    const caller = promptCaller(() => true);
    const until = performance.now() + 100;
    while (performance.now() < until) caller.turn();
    // The time for this turn is used up: a message that is handed on in it is handled alone.
    expect(Array.from({ length: 10 }, () => caller.turn())).toEqual(new Array(10).fill(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(Math.max(...Array.from({ length: 10 }, () => caller.turn()))).toBeGreaterThan(1);
  });

  test("is over after a moment without a request", () => {
    const { port1 } = new MessageChannel();
    onTestFinished(() => port1.close());
    const spinWait = new SpinWait(port1, SpinWait.share());
    let handled = 0;
    for (let n = 0; n < 20; n++) {
      spinWait.receive("first", () => {
        handled++;
        return true;
      });
    }
    expect(handled).toBe(20);
  });
});
