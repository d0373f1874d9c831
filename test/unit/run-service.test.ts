import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { MultiService, runService, Service } from "adbapi/service";
import { describe, expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { own } from "../support/children.js";
import { eventually } from "../support/eventually.js";

const run = (env: Record<string, string> = {}) => new ChildProgram(["test/fixtures/run.js"], env);
const command = (args: string[], env: Record<string, string> = {}) =>
  new ChildProgram(["dist/src/cli/index.js", ...args], env);

/** What becomes of a program that gets the signal once it has started. */
async function stopped(program: ChildProgram, signal: NodeJS.Signals = "SIGTERM") {
  await program.printed(/starting/);
  program.signal(signal);
  return program.ended();
}

describe("runService", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} stops the application, status 0`, async () => {
      await using program = run();
      const { status, output } = await stopped(program, signal);
      expect(output).toBe(`starting\n${signal}: stopping the MultiService "fixture"\nstopping\nstatus 0\n`);
      expect(status).toBe(0);
    });
  }

  test("an application with nothing left to do is stopped, status 0", async () => {
    await using program = run({ ALIVE: "no" });
    expect(await program.ended()).toEqual({ status: 0, output: "starting\nstopping\nstatus 0\n" });
  });

  test("a second signal exits at once", async () => {
    await using program = run({ STOP: "hang" });
    await program.printed(/starting/);
    program.signal("SIGTERM");
    await program.printed(/^stopping/m);
    program.signal("SIGINT");
    expect((await program.ended()).status).toBe(130);
  });

  test("the same signal at once is an echo, as npm makes one of Ctrl-C; repeated, it exits", async () => {
    await using patient = run({ STOP: "unref" });
    await patient.printed(/starting/);
    patient.signal("SIGINT");
    await patient.printed(/^stopping/m);
    patient.signal("SIGINT");
    expect((await patient.ended()).status).toBe(0);

    await using stuck = run({ STOP: "hang" });
    await stuck.printed(/starting/);
    const repeated = setInterval(() => stuck.signal("SIGINT"), 50);
    expect((await stuck.ended()).status).toBe(130);
    clearInterval(repeated);
  });

  test("a second signal while it starts exits at once", async () => {
    await using program = run({ START: "hang" });
    await program.printed(/starting/);
    program.signal("SIGINT");
    await program.printed(/SIGINT: stopping/);
    program.signal("SIGTERM");
    expect((await program.ended()).status).toBe(143);
  });

  test("one application in one process", async () => {
    const idle = Object.assign(new Service("idle"), { stopService: () => undefined });
    const ended = runService(idle);
    expect(() => runService(idle)).toThrow(/runs the Service "idle" already.*MultiService/);
    expect(() => runService(new Service())).toThrow(/runs the Service "idle" already/);
    process.emit("beforeExit", 0);
    expect(await ended).toBe(0);
    const parent = new MultiService();
    const child = new Service("child");
    parent.addService(child);
    await parent.startService();
    expect(() => runService(child)).toThrow(/the Service "child" is running already/);
    await parent.stopService();
  });

  test("a failing start is told, status 1", async () => {
    await using program = run({ START: "fail", ALIVE: "no" });
    const { status, output } = await program.ended();
    expect(output).toMatch(
      /the MultiService "fixture" failed while starting: Error: as the test wants it\n {4}at /,
    );
    expect(output).toMatch(/^status 1$/m);
    expect(status).toBe(1);
  });

  test("a start may wait for what keeps no process alive", async () => {
    await using program = run({ START: "unref", ALIVE: "no" });
    expect(await program.ended()).toEqual({ status: 0, output: "starting\nstopping\nstatus 0\n" });
  });

  test("a signal during a start that hangs: the time to stop holds for it too", async () => {
    await using program = run({ START: "hang", ALIVE: "no", STOP_TIMEOUT: "100" });
    const { status, output } = await stopped(program);
    expect(output).toMatch(/has not stopped in 100 ms/);
    expect(status).toBe(1);
  });

  test("a failing stop is told, status 1", async () => {
    await using program = run({ STOP: "fail" });
    const { status, output } = await stopped(program);
    expect(output).toMatch(/failed while stopping: Error: as the test wants it/);
    expect(status).toBe(1);
  });

  test("a stop that takes too long ends with the process, status 1", async () => {
    await using program = run({ STOP: "hang", STOP_TIMEOUT: "100" });
    const { status, output } = await stopped(program);
    expect(output).toMatch(/has not stopped in 100 ms/);
    expect(status).toBe(1);
  });

  test("what no service owned does not keep a stopped application's process, and is named", async () => {
    await using program = run({ LEFTOVER: "yes" });
    const { status, output } = await stopped(program);
    expect(output).toMatch(/still open: .*Timeout/);
    expect(status).toBe(0);
  });

  test("refuses a time to stop that is none", () => {
    for (const stopTimeoutMillis of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => runService(new Service(), { stopTimeoutMillis })).toThrow(/stopTimeoutMillis/);
    }
  });
});

describe("adbapi run", () => {
  test("runs a file's default export", async () => {
    await using program = command(["run", "test/fixtures/application.js", "--nodaemon"]);
    expect((await stopped(program)).status).toBe(0);
  });

  test("runs TypeScript as the error message says, and with stdin, stdout and stderr closed", async () => {
    const directory = await mkdtemp(join(tmpdir(), "adbapi-run-"));
    await writeFile(join(directory, "package.json"), '{ "type": "module" }');
    const file = join(directory, "app.ts");
    const mark = join(directory, "mark");
    await writeFile(
      file,
      `import { writeFileSync } from "node:fs";
       enum Deed { Start = "started", Stop = "stopped" }
       const note = (deed: Deed) => writeFileSync(${JSON.stringify(mark)}, deed);
       const stay = setInterval(() => {}, 1_000);
       export default {
         startService() { console.log("up"); note(Deed.Start); },
         stopService() { clearInterval(stay); note(Deed.Stop); },
       };`,
    );
    const closed = `exec "$0" --import tsx dist/src/cli/index.js run ${file} <&- >&- 2>&-`;
    const child = own(spawn("sh", ["-c", closed, process.execPath]));
    const marked = () => readFile(mark, "utf8").catch(() => "");
    await eventually("the application", marked, "started");
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await marked()).toBe("stopped");
    await rm(directory, { recursive: true });
  });

  test.each([
    ["data.json", "{}", /data\.json is no JavaScript module/],
    ["notes.txt", "to do", /notes\.txt is no JavaScript module/],
    ["binary.js", "\0\x01\x02", /SyntaxError/],
    ["hangs.js", "await new Promise(() => {});", /hangs\.js waits at its top level for what never comes/],
    ["class.js", "export default class App {}", /is no service.*not \[class App\]/],
    ["nothing.js", "throw null;", /failed while it was imported:\nnull/],
    [
      "runs.js",
      `import { runService, Service } from "${pathToFileURL("dist/src/service/index.js")}";
       const application = new Service();
       runService(application);
       export default application;`,
      /calls runService or startService itself: start it with `node .*runs\.js`/,
    ],
    ["no-default.js", "export const application = 1;", /has no default export.*export default application/],
    ["no-service.js", "export default { startService: 1 };", /is no service.*not \{ startService: 1 \}/],
    [
      "throws.js",
      "throw new Error('at the top');",
      /failed while it was imported:\nError: at the top\n.*throws\.js:1/,
    ],
    ["imports.js", "import './not-there.js';", /failed while it was imported:[\s\S]*not-there\.js/],
    ["syntax.js", "export default );", /SyntaxError[\s\S]*node --check/],
    // Newer versions of Node.js take types away, but do not translate.
    ["script.ts", "enum Kind { One }\nexport default Kind;", /For TypeScript.*--import tsx/],
  ])("a bad file, %s: a clear error, status 2", async (name, text, message) => {
    const directory = await mkdtemp(join(tmpdir(), "adbapi-run-"));
    await writeFile(join(directory, "package.json"), '{ "type": "module" }');
    await writeFile(join(directory, name), text);
    await using program = command(["run", join(directory, name)]);
    const { status, output } = await program.ended();
    expect(output).toMatch(message);
    expect(output).toMatch(/^adbapi: /);
    expect(status).toBe(2);
    await rm(directory, { recursive: true });
  });

  test.each([
    ["a missing file", ["run", "test/fixtures/no-such-file.js"], /there is no file .*no-such-file\.js/],
    ["a directory", ["run", "test/fixtures"], /is a directory/],
    ["no file", ["run"], /no FILE given/],
    ["an empty name", ["run", ""], /no FILE given/],
    ["two files", ["run", "a.js", "b.js"], /not also b\.js/],
    ["no command", [], /No command given/],
    ["another command", ["stop"], /no command "stop"/],
    ["an unknown option", ["run", "a.js", "--daemon"], /'--daemon'/],
  ])("%s: a clear error, status 2", async (_, args, message) => {
    await using program = command(args);
    const { status, output } = await program.ended();
    expect(output).toMatch(message);
    expect(output).toMatch(/^adbapi: /);
    expect(status).toBe(2);
  });

  test.runIf(process.platform !== "win32")("the build leaves it executable", async () => {
    const child = own(spawn("dist/src/cli/index.js", ["--version"], { stdio: "ignore" }));
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("--help and --version", async () => {
    await using help = command(["--help"]);
    await using version = command(["--version"]);
    expect((await help.ended()).output).toMatch(/^Usage: adbapi run FILE/);
    expect(await version.ended()).toEqual({ status: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  describe("--pidfile", () => {
    const holding = (pidfile: string) =>
      command(["run", "test/fixtures/application.js", "--pidfile", pidfile]);
    const place = async () => {
      const directory = await mkdtemp(join(tmpdir(), "adbapi-pidfile-"));
      return { directory, pidfile: join(directory, "app.pid") };
    };

    test("holds the process id while it runs, and keeps a second one out", async () => {
      const { directory, pidfile } = await place();
      await using program = holding(pidfile);
      await program.printed(/starting/);
      expect(await readFile(pidfile, "utf8")).toBe(`${program.pid}\n`);
      await using second = holding(pidfile);
      const refused = await second.ended();
      expect(refused.output).toMatch(`already running as process ${program.pid}`);
      expect(refused.status).toBe(2);
      program.signal("SIGTERM");
      await program.ended();
      await expect(readFile(pidfile)).rejects.toThrow("ENOENT");
      await rm(directory, { recursive: true });
    });

    test("takes over what a crash left", async () => {
      const { directory, pidfile } = await place();
      await using crashed = holding(pidfile);
      await crashed.printed(/starting/);
      crashed.signal("SIGKILL");
      await crashed.ended();
      await using program = holding(pidfile);
      await program.printed(/starting/);
      expect(await readFile(pidfile, "utf8")).toBe(`${program.pid}\n`);
      await rm(directory, { recursive: true });
    });

    test("of many that find a stale one in the same moment, one gets it", async () => {
      const { directory, pidfile } = await place();
      const holder = new URL("../../dist/src/cli/pidfile.js", import.meta.url).href;
      const contender = `const { holdPidfile } = await import(${JSON.stringify(holder)});
        process.stdout.write("ready");
        process.stdin.once("data", () => {
          try { holdPidfile(${JSON.stringify(pidfile)}); console.log("held"); } catch (error) { console.log(error.message); }
          process.stdin.once("data", () => process.exit());
        });`;
      for (let round = 0; round < 5; round++) {
        await writeFile(pidfile, "999999999\n");
        const contenders = Array.from({ length: 6 }, () =>
          spawn(process.execPath, ["--input-type=module", "--eval", contender], {
            stdio: ["pipe", "pipe", "inherit"],
          }),
        );
        await Promise.all(contenders.map(({ stdout }) => once(stdout, "data")));
        const heard = contenders.map(({ stdout }) =>
          once(stdout, "data").then(([said]) => String(said).trim()),
        );
        for (const { stdin } of contenders) stdin.write("go");
        const said = await Promise.all(heard);
        const holders = contenders.filter((_, index) => said[index] === "held");
        expect(holders, said.join("\n")).toHaveLength(1);
        expect(await readFile(pidfile, "utf8")).toBe(`${holders[0]!.pid}\n`);
        for (const contender of contenders) contender.stdin.end("stop");
        await Promise.all(contenders.map((contender) => once(contender, "exit")));
        expect(await readdir(directory)).toEqual([]);
      }
      await rm(directory, { recursive: true });
    });

    test("is not another's to remove, and stays where it was asked for", async () => {
      const { directory, pidfile } = await place();
      await using program = holding(pidfile);
      await program.printed(/starting/);
      await writeFile(pidfile, "1\n");
      program.signal("SIGTERM");
      expect((await program.ended()).status).toBe(0);
      expect(await readFile(pidfile, "utf8")).toBe("1\n");
      await rm(pidfile);

      const app = join(directory, "app.mjs");
      await writeFile(
        app,
        `import { existsSync } from "node:fs";
         export default {
           startService() { process.chdir("/"); },
           stopService() { console.log(existsSync(${JSON.stringify(pidfile)})); },
         };`,
      );
      await using traveller = command(["run", app, "--pidfile", relative(process.cwd(), pidfile)]);
      expect(await traveller.ended()).toEqual({ status: 0, output: "true\n" });
      await expect(readFile(pidfile)).rejects.toThrow("ENOENT");
      await rm(directory, { recursive: true });
    });

    test.each([
      ["a directory", (path: string) => mkdir(path), /cannot write the pidfile: EISDIR/],
      ["an empty file", (path: string) => writeFile(path, ""), /does not hold a process id but ""/],
      ["a link to nowhere", (path: string) => symlink("nowhere", path), /cannot write the pidfile: ENOENT/],
    ])("%s in its place: a clear error", async (_, make, message) => {
      const { directory, pidfile } = await place();
      await make(pidfile);
      await using program = holding(pidfile);
      const { status, output } = await program.ended();
      expect(output).toMatch(message);
      expect(output).toMatch(/^adbapi: /);
      expect(status).toBe(2);
      await rm(directory, { recursive: true });
    });

    test.each([
      ["in no directory", "/no/such/directory/app.pid"],
      ["without a name", ""],
    ])("%s: a clear error", async (_, pidfile) => {
      await using program = holding(pidfile);
      const { status, output } = await program.ended();
      expect(output).toMatch(/^adbapi: cannot write the pidfile/);
      expect(status).toBe(2);
    });

    test("leaves alone a file that is no pidfile", async () => {
      const { directory } = await place();
      const pidfile = join(directory, "precious.txt");
      await writeFile(pidfile, "precious");
      await using program = holding(pidfile);
      const { status, output } = await program.ended();
      expect(output).toMatch(/does not hold a process id but "precious"/);
      expect(status).toBe(2);
      expect(await readFile(pidfile, "utf8")).toBe("precious");
      await rm(directory, { recursive: true });
    });
  });
});
