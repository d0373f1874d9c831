import { CancelledError, Deferred, fail } from "adbapi/defer";
import { MultiService, Service } from "adbapi/service";
import { describe, expect, test } from "vitest";

/** Writes down what happens to it; fires at once, or when its Deferreds do. */
class Recorder extends Service {
  readonly #log: string[];
  starting: () => PromiseLike<unknown> | void = () => undefined;
  stopping: () => PromiseLike<unknown> | void = () => undefined;

  constructor(log: string[], name: string) {
    super(name);
    this.#log = log;
  }

  override startService() {
    super.startService();
    this.#log.push(`+${this.name}`);
    return this.starting();
  }

  override stopService() {
    super.stopService();
    this.#log.push(`-${this.name}`);
    return this.stopping();
  }
}

function family() {
  const log: string[] = [];
  const parent = new MultiService("parent");
  const children = ["a", "b", "c"].map((name) => new Recorder(log, name)) as [Recorder, Recorder, Recorder];
  for (const child of children) parent.addService(child);
  return { log, parent, children };
}

/** What it came to so far, for things that are settled by now. */
function now<T>(deferred: Deferred<T>): T | Error | "pending" {
  let result: T | Error | "pending" = "pending";
  deferred.addCallbacks(
    (value) => {
      result = value;
    },
    (failure) => {
      result = failure.value;
    },
  );
  return result;
}

describe("MultiService", () => {
  test("starts in order and stops in reverse, at once where nobody has to wait", () => {
    const { log, parent, children } = family();
    expect(now(parent.startService())).toBe(undefined);
    expect(log).toEqual(["+a", "+b", "+c"]);
    expect([parent, ...children].map(({ running }) => running)).toEqual([true, true, true, true]);
    expect(now(parent.stopService())).toBe(undefined);
    expect(log.slice(3)).toEqual(["-c", "-b", "-a"]);
    expect([parent, ...children].some(({ running }) => running)).toBe(false);
  });

  test("waits for a child's Deferred or promise before it starts, or stops, the next", async () => {
    const { log, parent, children } = family();
    const started = new Deferred<void>();
    const stopped = new Deferred<void>();
    children[1].starting = () => started;
    children[1].stopping = () => stopped.toPromise();
    const start = parent.startService();
    expect(log).toEqual(["+a", "+b"]);
    started.callback(undefined);
    await start;
    const stop = parent.stopService();
    expect(log.slice(3)).toEqual(["-c", "-b"]);
    stopped.callback(undefined);
    await stop;
    expect(log.slice(3)).toEqual(["-c", "-b", "-a"]);
  });

  test("a failing start stops those that were started, and is what it fails with", async () => {
    const { log, parent, children } = family();
    children[0].stopping = () => Promise.reject(new Error("of less interest"));
    children[1].starting = () => {
      throw new Error("no luck");
    };
    await expect(parent.startService()).rejects.toThrow("no luck");
    expect(log).toEqual(["+a", "+b", "-a"]);
    expect(parent.running).toBe(false);
    children[0].stopping = () => undefined;
    children[1].starting = () => undefined;
    log.length = 0;
    await parent.startService();
    expect(log).toEqual(["+a", "+b", "+c"]);
  });

  test("a child that fails to stop does not keep the others from it", async () => {
    const { log, parent, children } = family();
    await parent.startService();
    children[1].stopping = () => fail(new Error("stuck"));
    await expect(parent.stopService()).rejects.toThrow("stuck");
    expect(log.slice(3)).toEqual(["-c", "-b", "-a"]);
    await parent.startService();
    children[2].stopping = () => Promise.reject(new Error("stuck as well"));
    const error = await parent.stopService().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors.map(({ message }) => message)).toEqual([
      "stuck as well",
      "stuck",
    ]);
  });

  test("stopped while it starts: no further child is started, and none is stopped before its start is over", async () => {
    const { log, parent, children } = family();
    const started = new Deferred<void>();
    children[1].starting = () => started;
    const start = parent.startService();
    const stop = parent.stopService();
    expect(log).toEqual(["+a", "+b"]);
    expect(now(stop.addCallback(() => "stopped"))).toBe("pending");
    started.callback(undefined);
    await expect(start).rejects.toThrow(CancelledError);
    await stop;
    expect(log).toEqual(["+a", "+b", "-b", "-a"]);
  });

  test("a nested start is cut short as well, and a child may end its own start early", async () => {
    const { log, parent, children } = family();
    const grandparent = new MultiService();
    await parent.setServiceParent(grandparent);
    const started = new Deferred<void>();
    children[1].starting = () => started;
    children[1].abandonStart = () => started.errback(new Error("abandoned"));
    const start = grandparent.startService();
    await grandparent.stopService();
    await expect(start).rejects.toThrow("abandoned");
    expect(log).toEqual(["+a", "+b", "-a"]);
  });

  test("asked twice: one stop for all, and no second start", async () => {
    const { log, parent, children } = family();
    await expect(parent.stopService()).resolves.toBe(undefined);
    await parent.startService();
    await expect(parent.startService()).rejects.toThrow(/the MultiService "parent".*is running/s);
    const stopped = new Deferred<void>();
    children[0].stopping = () => stopped;
    const stops = [parent.stopService(), parent.stopService()];
    stops[0]!.cancel();
    await expect(stops[0]).rejects.toThrow(CancelledError);
    stopped.callback(undefined);
    await stops[1];
    expect(log).toEqual(["+a", "+b", "+c", "-c", "-b", "-a"]);
  });

  test("a child that is added to a running parent is started, one that is taken out is stopped", async () => {
    const { log, parent } = family();
    const late = new Recorder(log, "late");
    await parent.startService();
    expect(now(late.setServiceParent(parent))).toBe(undefined);
    expect(late.parent).toBe(parent);
    await late.disownServiceParent();
    expect(late.parent).toBe(undefined);
    expect(log.slice(3)).toEqual(["+late", "-late"]);
    expect([...parent].map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  test("children may come and go while it starts", async () => {
    const { log, parent, children } = family();
    children[0].starting = () => {
      parent.addService(new Recorder(log, "d"));
      return children[2].disownServiceParent();
    };
    await parent.startService();
    expect(log).toEqual(["+a", "+b", "+d"]);
  });

  test("a child that is taken out while it starts does not fail the others", async () => {
    const { log, parent, children } = family();
    const started = new Deferred<void>();
    children[1].starting = () => started;
    const start = parent.startService();
    const gone = parent.removeService(children[1]);
    started.errback(new Error("too late"));
    await gone;
    await start;
    expect(log).toEqual(["+a", "+b", "+c"]);
  });

  test("moves from one parent to another: stopped there, started here", async () => {
    const { log, parent, children } = family();
    const other = new MultiService("other");
    await Promise.all([parent.startService(), other.startService()]);
    await children[1].setServiceParent(other);
    expect(log.slice(3)).toEqual(["-b", "+b"]);
    expect([...other]).toEqual([children[1]]);
  });

  test("a child that throws: as if it had failed, and it does not run", async () => {
    const { log, parent, children } = family();
    children[1].starting = () => {
      throw new Error("at once");
    };
    await expect(parent.startService()).rejects.toThrow("at once");
    expect(log).toEqual(["+a", "+b", "-a"]);
    expect(children.some(({ running }) => running)).toBe(false);
    children[1].starting = () => undefined;
    children[1].stopping = () => {
      throw new Error("at once as well");
    };
    await parent.startService();
    await expect(parent.stopService()).rejects.toThrow("at once as well");
    expect(log.slice(3)).toEqual(["+a", "+b", "+c", "-c", "-b", "-a"]);
  });

  test("an abandonStart that throws: all are stopped, and the stop tells", async () => {
    const { log, parent, children } = family();
    const started = new Deferred<void>();
    children[1].starting = () => started;
    children[1].abandonStart = () => {
      throw new Error("cannot be abandoned");
    };
    const start = parent.startService();
    const stop = parent.stopService();
    started.callback(undefined);
    await expect(start).rejects.toThrow(CancelledError);
    await expect(stop).rejects.toThrow("cannot be abandoned");
    expect(log).toEqual(["+a", "+b", "-b", "-a"]);
  });

  test("moved while it is being stopped: the start waits for that", async () => {
    const { log, parent, children } = family();
    const [other, third] = [new MultiService("other"), new MultiService("third")];
    const stopped = new Deferred<void>();
    children[1].stopping = () => stopped;
    await Promise.all([parent, other, third].map((each) => each.startService()));
    const moves = [children[1].setServiceParent(other), children[1].setServiceParent(third)];
    expect(log.slice(3)).toEqual(["-b"]);
    stopped.callback(undefined);
    await expect(moves[0]).rejects.toThrow(/already has a parent, the MultiService "third"/);
    await moves[1];
    expect(log.slice(3)).toEqual(["-b", "+b"]);
    expect(children[1].parent).toBe(third);
  });

  test("moved while it starts: that is waited for, then the stop", async () => {
    const { log, parent } = family();
    const other = new MultiService("other");
    await Promise.all([parent.startService(), other.startService()]);
    const started = new Deferred<void>();
    const late = new Recorder(log, "late");
    late.starting = () => started;
    const added = parent.addService(late);
    late.disownServiceParent();
    late.starting = () => undefined;
    const moved = other.addService(late);
    expect(log.slice(3)).toEqual(["+late"]);
    started.callback(undefined);
    await Promise.all([added, moved]);
    expect(log.slice(3)).toEqual(["+late", "-late", "+late"]);
  });

  test("taken away again, or its parent stopped, before the start: it is not started", async () => {
    for (const lose of ["child", "parent"] as const) {
      const { log, parent, children } = family();
      const other = new MultiService("other");
      const stopped = new Deferred<void>();
      children[1].stopping = () => stopped;
      await Promise.all([parent.startService(), other.startService()]);
      parent.removeService(children[1]);
      const added = other.addService(children[1]);
      const gone = lose === "child" ? other.removeService(children[1]) : other.stopService();
      stopped.callback(undefined);
      await Promise.all([added, gone]);
      expect(log.slice(3)).toEqual(["-b"]);
      expect(children[1].running).toBe(false);
    }
  });

  test("a move that would make no tree is refused, and leaves the child where it runs", async () => {
    const { log, parent, children } = family();
    const other = new MultiService("other");
    other.addService(new Service("b"));
    parent.addService(other);
    await parent.startService();
    expect(() => children[1].setServiceParent(other)).toThrow(/already has a child named "b"/);
    expect(() => parent.setServiceParent(other)).toThrow(/a child of itself/);
    expect(() => other.setServiceParent(other)).toThrow(/a child of itself/);
    expect(log).toEqual(["+a", "+b", "+c"]);
    expect([children[1].parent, other.parent]).toEqual([parent, parent]);
    await children[1].setServiceParent(parent); // Its own parent: to the end of the line.
    expect([...parent].map(({ name }) => name)).toEqual(["a", "c", "other", "b"]);
  });

  test("finds children by name, and refuses what would be no tree", () => {
    const { parent, children } = family();
    expect(parent.getServiceNamed("b")).toBe(children[1]);
    expect(() => parent.getServiceNamed("z")).toThrow(/no child named "z".*a, b, c/s);
    expect(() => parent.addService(new Service("b"))).toThrow(/already has a child named "b"/);
    expect(() => parent.addService(children[0])).toThrow(/already has a parent.*setServiceParent/s);
    const grandparent = new MultiService();
    grandparent.addService(parent);
    expect(() => parent.addService(grandparent)).toThrow(/a child of itself/);
    expect(() => parent.addService(parent)).toThrow(Error);
    expect(() => grandparent.removeService(children[0])).toThrow(/no child/);
  });

  test("a hundred thousand children", async () => {
    const parent = new MultiService();
    for (let i = 0; i < 100_000; i += 1) parent.addService(new Service());
    await parent.startService();
    await parent.stopService();
  });
});
