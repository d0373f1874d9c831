/**
 * Who waits is served in the order asked, and refused when his time is over, also if work comes back undone between.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Queue } from "../../dist/src/dispatch/queue.js";
import { NO_END, Waiter } from "../../dist/src/statement/waiting-line.js";

class Named extends Waiter {
  readonly name: string;
  declare behind: Named | undefined;

  constructor(name: string) {
    super("test", NO_END);
    this.name = name;
  }

  override refuse(): void {}
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"], now: 1 }));
afterEach(() => void vi.useRealTimers());

/**
 * A queue of that patience, with who was refused, and a way to have somebody wait in it, or go onto a connection at
 * once.
 */
function queueOf(patienceMillis: number) {
  const refused: string[] = [];
  let tickets = 0;
  const queue = new Queue(false, patienceMillis, (waiter) => {
    queue.main.remove(waiter);
    refused.push((waiter as Named).name);
  });
  const ask = (name: string, { sent = false } = {}) => {
    const waiter = new Named(name);
    waiter.ticket = tickets++;
    if (!sent) {
      queue.main.push(waiter);
      queue.main.guard(waiter);
    }
    return waiter;
  };
  const line = () => {
    const names: string[] = [];
    for (let next = queue.main.first as Named | undefined; next !== undefined; next = next.behind)
      names.push(next.name);
    return names;
  };
  return { queue, refused, ask, line };
}

test("what comes back undone stands in the order asked, before everyone younger", () => {
  const { queue, ask, line } = queueOf(1_000);
  const [a, b, c] = ["a", "b", "c"].map((name) => ask(name, { sent: true }));
  ask("d");
  for (const waiter of [b, a, c]) queue.main.putBack(waiter!);
  expect(line()).toEqual(["a", "b", "c", "d"]);
  queue.close();
});

test("work that comes back keeps nobody behind it waiting for longer", async () => {
  const { queue, refused, ask } = queueOf(1_000);
  const first = ask("first", { sent: true });
  await vi.advanceTimersByTimeAsync(50);
  ask("second");
  ask("third");
  await vi.advanceTimersByTimeAsync(650);
  queue.main.putBack(first);
  await vi.advanceTimersByTimeAsync(340);
  expect(refused).toEqual([]);
  await vi.advanceTimersByTimeAsync(20);
  expect(refused).toEqual(["first", "second", "third"]);
  queue.close();
});

test("what comes back to an empty line has its time before it", async () => {
  const { queue, refused, ask } = queueOf(1_000);
  const only = ask("only", { sent: true });
  await vi.advanceTimersByTimeAsync(700);
  queue.main.putBack(only);
  await vi.advanceTimersByTimeAsync(900);
  expect(refused).toEqual([]);
  await vi.advanceTimersByTimeAsync(110);
  expect(refused).toEqual(["only"]);
  queue.close();
});

test("the longest time to wait, and no end of it, do not end at once", async () => {
  for (const patienceMillis of [2 ** 31 - 1, Number.POSITIVE_INFINITY]) {
    const { queue, refused, ask } = queueOf(patienceMillis);
    await vi.advanceTimersByTimeAsync(0.5);
    ask("patient");
    expect(vi.getTimerCount()).toBe(patienceMillis === Number.POSITIVE_INFINITY ? 0 : 1);
    await vi.advanceTimersByTimeAsync(2 ** 31 - 1_000);
    expect(refused).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(refused).toEqual(patienceMillis === Number.POSITIVE_INFINITY ? [] : ["patient"]);
    queue.close();
  }
});
