import {
  CancelledError,
  Cooperator,
  coiterate,
  cooperate,
  Deferred,
  NotPaused,
  SchedulerStopped,
  succeed,
  TaskDone,
  TaskFailed,
  TaskStopped,
} from "adbapi/defer";
import { describe, expect, it } from "vitest";

function* steps(seen: unknown[], name: string, count: number): Generator<undefined> {
  for (let i = 0; i < count; i += 1) {
    seen.push(`${name}${i}`);
    yield;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("coiterate", () => {
  it("runs to the end, and fires with the iterator", async () => {
    const seen: unknown[] = [];
    const iterator = steps(seen, "a", 3);
    expect(await coiterate(iterator)).toBe(iterator);
    expect(seen).toEqual(["a0", "a1", "a2"]);
    const list = [1, 2];
    expect(await coiterate(list)).toBe(list);
  });

  it("takes a step of each in turn", async () => {
    const seen: unknown[] = [];
    const all = [coiterate(steps(seen, "a", 2)), coiterate(steps(seen, "b", 2))];
    for (const each of all) await each;
    expect(seen).toEqual(["a0", "b0", "a1", "b1"]);
  });

  it("waits for what is yielded", async () => {
    const seen: unknown[] = [];
    const gate = new Deferred<void>();
    const done = coiterate(
      (function* () {
        yield succeed(1);
        yield Promise.resolve();
        seen.push("before");
        yield gate;
        seen.push("after");
      })(),
    );
    await coiterate(steps([], "other", 50));
    await turn();
    expect(seen).toEqual(["before"]);
    gate.callback();
    await done;
    expect(seen).toEqual(["before", "after"]);
  });

  it("lets timers go on beside an iterator without end", async () => {
    let counted = 0;
    const done = coiterate(
      (function* () {
        for (;;) {
          counted += 1;
          yield;
        }
      })(),
    );
    await new Promise((resolve) => setTimeout(resolve, 1));
    done.cancel();
    await expect(done).rejects.toThrow(CancelledError);
    expect(counted).toBeGreaterThan(0);
  });

  it("fails with what the iterator throws, or waited for, and closes it then", async () => {
    const throws = {
      next: (): never => {
        throw new Error("thrown");
      },
    };
    await expect(coiterate(throws)).rejects.toThrow("thrown");
    let closed = false;
    const waits = (function* () {
      try {
        yield Promise.reject(new Error("waited for"));
      } finally {
        closed = true;
      }
    })();
    await expect(coiterate(waits)).rejects.toThrow("waited for");
    expect(closed).toBe(true);
  });

  it("refuses what it cannot step: an asynchronous iterator would never come to its end", () => {
    async function* later(): AsyncGenerator<number> {
      yield 1;
    }
    for (const bad of [later(), { [Symbol.asyncIterator]: later }, undefined, null, 5, {}]) {
      expect(() => coiterate(bad as unknown as Iterator<unknown>)).toThrow(TypeError);
    }
  });
});

describe("a task", () => {
  it("can be paused and resumed, as often", async () => {
    const seen: unknown[] = [];
    const task = cooperate(steps(seen, "a", 2));
    task.pause();
    task.pause();
    await turn();
    task.resume();
    await turn();
    expect(seen).toEqual([]);
    task.resume();
    await task.whenDone();
    expect(seen).toEqual(["a0", "a1"]);
    expect(() => task.resume()).toThrow(NotPaused);
    expect(() => task.pause()).toThrow(TaskDone);
  });

  it("stays paused when what it waited for comes", async () => {
    const gate = new Deferred<void>();
    const seen: unknown[] = [];
    const task = cooperate(
      (function* () {
        yield gate;
        seen.push("on");
      })(),
    );
    await turn();
    await turn();
    task.pause();
    gate.callback();
    await turn();
    await turn();
    expect(seen).toEqual([]);
    task.resume();
    await task.whenDone();
    expect(seen).toEqual(["on"]);
  });

  it("can be stopped: its iterator is closed, everyone is told", async () => {
    let closed = false;
    const task = cooperate(
      (function* () {
        try {
          for (;;) yield;
        } finally {
          closed = true;
        }
      })(),
    );
    const told = [task.whenDone(), task.whenDone()];
    await turn();
    await turn();
    task.stop();
    expect(closed).toBe(true);
    for (const each of [...told, task.whenDone()]) await expect(each).rejects.toThrow(TaskStopped);
    expect(() => task.stop()).toThrow(TaskStopped);
  });

  it("may stop itself in a step of its own", async () => {
    let closed = false;
    const self: { stop?: () => void } = {};
    const task = cooperate(
      (function* (): Generator<undefined> {
        try {
          self.stop?.();
          yield;
          yield;
        } finally {
          closed = true;
        }
      })(),
    );
    self.stop = () => task.stop();
    await expect(task.whenDone()).rejects.toThrow(TaskStopped);
    await turn();
    expect(closed).toBe(true);
  });

  it("that has failed says so, and keeps the reason", async () => {
    const task = cooperate(
      (function* () {
        yield Promise.reject(new Error("reason"));
      })(),
    );
    await expect(task.whenDone()).rejects.toThrow("reason");
    expect(() => task.pause()).toThrow(expect.objectContaining({ cause: expect.any(Error) }));
    expect(() => task.stop()).toThrow(TaskFailed);
  });

  it("keeps the error of an iterator that cannot be closed", async () => {
    const task = cooperate({
      next: () => ({ done: false, value: undefined }),
      return: () => {
        throw new Error("will not close");
      },
    });
    task.stop();
    await expect(task.whenDone()).rejects.toMatchObject({ cause: { message: "will not close" } });
  });
});

describe("a Cooperator", () => {
  it("waits for its start, and ends all tasks at its stop", async () => {
    const cooperator = new Cooperator({ started: false });
    const seen: unknown[] = [];
    const done = cooperator.coiterate(steps(seen, "a", 1));
    await turn();
    expect([cooperator.running, seen]).toEqual([false, []]);
    cooperator.start();
    await done;
    expect(cooperator.running).toBe(true);

    const endless = cooperator.coiterate(steps([], "b", Number.POSITIVE_INFINITY));
    const paused = cooperator.cooperate(steps([], "c", 1));
    paused.pause();
    await turn();
    cooperator.stop();
    await expect(endless).rejects.toThrow(SchedulerStopped);
    await expect(cooperator.coiterate([])).rejects.toThrow(SchedulerStopped);
    paused.resume();
    await expect(paused.whenDone()).rejects.toThrow(SchedulerStopped);
    cooperator.start();
    expect(await cooperator.coiterate([1])).toEqual([1]);
  });
});
