import {
  CancelledError,
  Deferred,
  DeferredLock,
  DeferredQueue,
  DeferredSemaphore,
  QueueOverflow,
  QueueUnderflow,
} from "adbapi/defer";
import { describe, expect, it } from "vitest";

describe("DeferredLock", () => {
  it("lets one in after the other, in order", async () => {
    const lock = new DeferredLock();
    const order: number[] = [];
    const gate = new Deferred<void>();
    const first = lock.run(() => gate.addCallback(() => order.push(1)));
    const second = lock.run(() => order.push(2));
    const third = lock.run(async () => order.push(3));
    expect(lock.locked).toBe(true);
    expect(order).toEqual([]);
    gate.callback();
    await third;
    expect([await first, await second]).toEqual([1, 2]);
    expect(order).toEqual([1, 2, 3]);
    expect(lock.locked).toBe(false);
  });

  it("is released by `using`, once", async () => {
    const lock = new DeferredLock();
    let next: Deferred<unknown>;
    {
      using held = await lock.acquire();
      next = lock.acquire();
      expect(next.called).toBe(false);
      held.release();
      expect(next.called).toBe(true);
    }
    expect(lock.locked).toBe(true);
    lock.release();
    expect(lock.locked).toBe(false);
    expect(() => lock.release()).toThrow(RangeError);
    {
      await using _held = await lock.acquire();
      expect(lock.locked).toBe(true);
    }
    expect(lock.locked).toBe(false);
  });

  it("is released when the work fails or is cancelled", async () => {
    const lock = new DeferredLock();
    const failing = lock.run(() => {
      throw new Error("work");
    });
    await expect(failing).rejects.toThrow("work");
    const cancelled = lock.run(() => new Deferred<never>());
    expect(lock.locked).toBe(true);
    cancelled.cancel();
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect(lock.locked).toBe(false);
  });

  it("loses no turn to one that gave up its place", async () => {
    const lock = new DeferredLock();
    const held = await lock.acquire();
    const [gone, next] = [lock.acquire(), lock.acquire()];
    gone.cancel();
    await expect(gone).rejects.toThrow(CancelledError);
    held.release();
    expect(next.called).toBe(true);
  });

  it("lets nobody in ahead of those who wait", () => {
    const lock = new DeferredLock();
    const order: string[] = [];
    const enter = (name: string): void => {
      lock.acquire().addCallback((held) => {
        order.push(name);
        held.release();
        if (name === "a") enter("late");
      });
    };
    const first = lock.acquire();
    enter("a");
    enter("b");
    first.addCallback((held) => held.release());
    expect(order).toEqual(["a", "b", "late"]);
  });
});

describe("DeferredSemaphore", () => {
  it("lets so many in, and counts what is free", async () => {
    const semaphore = new DeferredSemaphore(2);
    const [a, b, c] = [semaphore.acquire(), semaphore.acquire(), semaphore.acquire()];
    expect([a, b, c].map((each) => each.called)).toEqual([true, true, false]);
    expect([semaphore.tokens, semaphore.limit]).toEqual([0, 2]);
    (await a).release();
    expect(c.called).toBe(true);
    (await b).release();
    (await c).release();
    expect(semaphore.tokens).toBe(2);
  });

  it("refuses a senseless number of tokens", () => {
    for (const tokens of [0, -1, 1.5, Number.NaN, "2" as never]) {
      expect(() => new DeferredSemaphore(tokens)).toThrow(RangeError);
    }
  });
});

describe("DeferredQueue", () => {
  it("hands over in order, whoever comes first", async () => {
    const queue = new DeferredQueue<number | undefined>();
    const [a, b] = [queue.get(), queue.get()];
    for (const object of [1, 2, undefined, 4]) queue.put(object);
    expect([await a, await b, await queue.get(), await queue.get()]).toEqual([1, 2, undefined, 4]);
    expect([queue.pending, queue.waiting]).toEqual([0, 0]);
  });

  it("has its bounds", () => {
    const queue = new DeferredQueue<number>(1, 1);
    queue.put(1);
    expect(() => queue.put(2)).toThrow(QueueOverflow);
    expect(queue.get().called).toBe(true);
    queue.get();
    expect(() => queue.get()).toThrow(QueueUnderflow);
    expect(() => new DeferredQueue(0).put(1)).toThrow(QueueOverflow);
    expect(() => new DeferredQueue(0, 0).get()).toThrow(QueueUnderflow);
  });

  it("forgets those who gave up", async () => {
    const queue = new DeferredQueue<string>();
    const [gone, next] = [queue.get(), queue.get()];
    gone.cancel();
    queue.put("for the next");
    await expect(gone).rejects.toThrow(CancelledError);
    expect(await next).toBe("for the next");
  });
});
