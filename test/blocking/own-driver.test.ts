import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { blockingDriver } from "adbapi/drivers/blocking";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.js";
import { ThreadTester } from "../support/thread-connections.js";

const module = new URL("./modules/mortal.mjs", import.meta.url);
const mortal = blockingDriver(module);

describe("a user's own blocking driver", () => {
  it("is named after its file, and needs two functions", async () => {
    expect(mortal).toMatchObject({ name: "mortal", paramstyle: "qmark" });
    expect(mortal).not.toHaveProperty("singleWriter");
    const test = await ThreadTester.open(mortal, []);
    expect(await test.rows("hello")).toEqual([{ said: "hello" }]);
    expect(blockingDriver(module.href, { name: "other", paramstyle: "named" })).toMatchObject({
      name: "other",
    });
    expect(() => blockingDriver("./mortal.mjs")).toThrow(expect.objectContaining({ name: "InterfaceError" }));
  });

  it("names its errors by class, and others become OperationalErrors with all that they said", async () => {
    const test = await ThreadTester.open(mortal, []);
    expect(await test.failure(test.execute("fail"))).toMatchObject({
      name: "DataError",
      code: "E42",
      message: "as asked",
    });
    const unknown = await test.failure(test.execute("unknown failure"));
    expect(unknown).toMatchObject({ name: "OperationalError", message: "who knows" });
    expect(unknown.cause).toMatchObject({ name: "RangeError" });
    expect(mortal.translate(unknown)).toBe(unknown);
  });

  it("must be synchronous: a statement that gives a promise says so, and its failure kills no thread", async () => {
    const asynchronous = blockingDriver(new URL("./modules/asynchronous.mjs", import.meta.url));
    const test = await ThreadTester.open(asynchronous, ["statements"]);
    for (let round = 0; round < 2; round++) {
      expect(await test.failure(test.execute("select 1"))).toMatchObject({
        name: "InterfaceError",
        message: expect.stringContaining('"execute" of the blocking module gave a promise'),
      });
    }
  });

  it("takes the values at the call, and refuses what cannot reach a thread", async () => {
    const test = await ThreadTester.open(mortal, []);
    const list = [{ deep: "before" }];
    const said = test.rows("say", list);
    list[0]!.deep = "after";
    expect(await said).toEqual([{ said: { deep: "before" } }]);
    expect(() => test.statement("say", [() => {}])).toThrow(
      expect.objectContaining({ name: "InterfaceError" }),
    );
    const raw = { sql: "say", params: [Symbol("unbound")], rowMode: "object" } as const;
    const [bad, good] = await Promise.allSettled([test.connection.execute(raw), test.rows("good")]);
    expect(bad.status).toBe("rejected");
    expect(good).toMatchObject({ value: [{ said: "good" }] });
  });
});

describe("a thread that dies", () => {
  it("rejects what was in flight, says what is known of it, and is reported once", async () => {
    const test = await ThreadTester.open(mortal, []);
    const [running, queued] = [test.failure(test.execute("exit")), test.failure(test.execute("never"))];
    expect(await running).toMatchObject({ name: "ConnectionLost", outcome: "unknown" });
    expect(await queued).toMatchObject({ name: "ConnectionLost", outcome: "not sent" });
    expect(test.connection.state).toBe("broken");
    await test.connection.ended;
    expect(test.lost).toHaveLength(1);
  });

  for (const how of ["exit later", "throw later"]) {
    it(`is reported when it was idle (${how})`, async () => {
      const test = await ThreadTester.open(mortal, []);
      await test.execute(how);
      await test.connection.ended;
      expect(test.lost).toMatchObject([{ name: "ConnectionLost" }]);
      expect(test.connection.state).toBe("broken");
    });
  }

  it("is a lost connection, not a dead process, when it runs out of memory", async () => {
    const small = blockingDriver(module, { resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const test = await ThreadTester.open(small, []);
    const failed = await test.failure(test.execute("eat memory"));
    expect(failed).toMatchObject({ name: "ConnectionLost", cause: { code: "ERR_WORKER_OUT_OF_MEMORY" } });
  });
});

describe("threads that are stuck", () => {
  it("are counted until they end, and bounded", async () => {
    const stuck = blockingDriver(module);
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const testers = await Promise.all(Array.from({ length: 16 }, () => ThreadTester.open(stuck, [shared])));
    const sleeping = testers.map((test) => test.failure(test.execute("be stuck")));
    await eventually("stuck", () => Atomics.load(shared, 0), 16);
    for (const { connection } of testers) connection.destroy();
    for (const error of await Promise.all(sleeping))
      expect(error).toMatchObject({ name: "ConnectionLost", outcome: "unknown" });
    expect(stuck.retiredThreads).toBe(16);
    await expect(ThreadTester.open(stuck, [])).rejects.toMatchObject({
      name: "OperationalError",
      message: expect.stringMatching(
        /^16 threads that were given up, .*opened the database, have not ended yet/,
      ),
      retryable: true,
    });
    Atomics.store(shared, 1, 1);
    Atomics.notify(shared, 1);
    await Promise.all(testers.map(({ connection }) => connection.ended));
    expect(stuck.retiredThreads).toBe(0);
    expect((await ThreadTester.open(stuck, [])).connection.state).toBe("idle");
  });

  it("do not count when they are idle, and end at once", async () => {
    const test = await ThreadTester.open(mortal, []);
    test.connection.destroy();
    expect(mortal.retiredThreads).toBe(0);
    await test.connection.ended;
  });
});

describe("a thread that does not start", () => {
  const settings = { name: "test", prepare: true, pipeline: 64, int64: "driver" } as const;
  const connect = (driver = mortal, args: readonly unknown[] = [], signal = new AbortController().signal) =>
    driver.connect(args, { settings, signal, onLost() {} }).catch((error) => {
      throw driver.translate(error);
    });

  it("gives the module's own reason", async () => {
    await expect(connect(mortal, ["refuse"])).rejects.toMatchObject({
      name: "OperationalError",
      message: "the door is shut",
    });
  });

  it("is an OperationalError when it ends, or its code is not there", async () => {
    await expect(connect(mortal, ["exit"])).rejects.toMatchObject({ name: "OperationalError" });
    const missing = blockingDriver(new URL("./modules/nowhere.mjs", import.meta.url));
    await expect(connect(missing)).rejects.toMatchObject({
      name: "OperationalError",
      code: "ERR_MODULE_NOT_FOUND",
    });
    const other = blockingDriver(new URL("./modules/no-database.mjs", import.meta.url));
    await expect(connect(other)).rejects.toMatchObject({
      name: "InterfaceError",
      message: expect.stringContaining("connect"),
    });
    const asynchronous = blockingDriver(new URL("./modules/asynchronous.mjs", import.meta.url));
    for (const [what, message] of [
      ["connect", '"connect" of the blocking module gave a promise: its calls must be synchronous'],
      ["nothing", '"connect" of the blocking module gave no connection'],
    ] as const) {
      await expect(connect(asynchronous, [what])).rejects.toMatchObject({
        name: "InterfaceError",
        message: expect.stringContaining(message),
      });
    }
    const moved = blockingDriver(module, { workerUrl: new URL("./nowhere.js", import.meta.url) });
    await expect(connect(moved)).rejects.toMatchObject({ name: "OperationalError" });
  });

  it("is left alone when nobody waits for it any more", async () => {
    const abort = new AbortController();
    const connecting = connect(mortal, [], abort.signal);
    abort.abort(new Error("enough"));
    await expect(connecting).rejects.toMatchObject({
      name: "OperationalError",
      cause: { message: "enough" },
    });
    await expect.poll(() => mortal.retiredThreads).toBe(0);
  });
});

it("names the package that is missing, and how to get it", async () => {
  const alone = mkdtempSync(join(tmpdir(), "adbapi-"));
  onTestFinished(() => rmSync(alone, { recursive: true }));
  cpSync(new URL("../../dist", import.meta.url), alone, { recursive: true });
  writeFileSync(join(alone, "package.json"), '{ "type": "module" }');
  const { betterSqlite3 } = await import(pathToFileURL(join(alone, "drivers/better-sqlite3/index.js")).href);
  await expect(ThreadTester.open(betterSqlite3)).rejects.toMatchObject({
    name: "InterfaceError",
    message: expect.stringContaining("npm install better-sqlite3"),
  });
});

it("keeps no process alive", async () => {
  const program = `
    import driver from "adbapi/drivers/better-sqlite3";
    const settings = { name: "test", prepare: true, pipeline: 64, int64: "driver" };
    const waiting = setTimeout(() => {}, 60_000);
    const connection = await driver.connect([":memory:"], { settings, signal: new AbortController().signal, onLost() {} });
    await connection.execute({ sql: "select 1", params: undefined, rowMode: "object" });
    clearTimeout(waiting);
    console.log(connection.state);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    timeout: 20_000,
  });
  expect(stdout).toBe("idle\n");
}, 30_000);

it("does not repeat the code of a data: URL, which no thread takes", () => {
  const code = "data:text/javascript,export function connect() {}";
  expect(() => blockingDriver(code)).toThrow("is named by a file URL, not by a data: URL");
  expect(() => blockingDriver("./module.js")).toThrow('not by "./module.js"');
});
