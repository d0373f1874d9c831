import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accountFor } from "./account.js";
import { freePort } from "./free-port.js";
import type { Command, Programs, Recipe } from "./recipe.js";
import { type Account, guardedDirectory, killTree, spawnGuarded } from "./run-directory.js";
import type { OwnServer, ServerKind } from "./servers.js";
import { within } from "./within.js";

const START_MILLIS = 60_000;
const STOP_MILLIS = 15_000;

/** A throwaway server from the programs of this machine. */
export class LocalServer implements OwnServer {
  readonly kind;
  readonly url: string;
  readonly port: number;
  readonly #recipe: Recipe;
  readonly #home: string;
  readonly #serve: Command;
  readonly #account: Account | undefined;
  #process: ChildProcess | undefined;

  private constructor(
    recipe: Recipe,
    programs: Programs,
    home: string,
    port: number,
    account: Account | undefined,
    client: ServerKind,
  ) {
    this.kind = recipe.kind;
    this.url = recipe.url(port, client);
    this.port = port;
    this.#recipe = recipe;
    this.#home = home;
    this.#serve = recipe.serve({ programs, home, port });
    this.#account = account;
  }

  /**
   * Makes its data directory and starts it; once more where that fails, as installers do now and then on a machine that
   * has a lot to do.
   */
  static async create(recipe: Recipe, programs: Programs, client: ServerKind): Promise<LocalServer> {
    try {
      return await LocalServer.#make(recipe, programs, client);
    } catch (error) {
      console.error(`${recipe.kind} is made once more: ${error}`);
      return LocalServer.#make(recipe, programs, client);
    }
  }

  static async #make(recipe: Recipe, programs: Programs, client: ServerKind): Promise<LocalServer> {
    const account = accountFor(recipe.account);
    const home = guardedDirectory(recipe.kind, account);
    const port = await freePort();
    const server = new LocalServer(recipe, programs, home, port, account, client);
    for (const [name, text] of Object.entries(recipe.files({ programs, home, port }))) {
      const file = join(home, name);
      writeFileSync(file, text, { mode: 0o600 });
      if (account !== undefined) chownSync(file, account.uid, account.gid);
    }
    try {
      for (const command of recipe.initialize({ programs, home, port })) await server.#run(command);
      await server.start();
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  async start(): Promise<void> {
    if (this.#process !== undefined && !hasEnded(this.#process)) return;
    const child = this.#spawn(this.#serve);
    this.#process = child;
    const deadline = Date.now() + START_MILLIS;
    for (;;) {
      if (hasEnded(child)) {
        this.#process = undefined;
        throw new Error(`${this.kind} ended while starting:\n${this.#lastWords()}`);
      }
      try {
        await this.#recipe.ping(this.url);
        child.unref(); // a running server keeps no process alive; one that is waited for does
        return;
      } catch (error) {
        if (Date.now() > deadline)
          throw new Error(`${this.kind} does not answer:\n${this.#lastWords()}`, { cause: error });
      }
      await sleep(30);
    }
  }

  async stop(): Promise<void> {
    // PostgreSQL waits for its clients on SIGTERM and closes them on SIGINT; the others know SIGTERM only.
    await this.#end((child) => {
      child.kill(this.kind === "postgres" ? "SIGINT" : "SIGTERM");
      const late = setTimeout(() => killTree(child.pid!), STOP_MILLIS);
      child.once("exit", () => clearTimeout(late));
    });
  }

  async kill(): Promise<void> {
    await this.#end((child) => killTree(child.pid!));
  }

  async freeze(): Promise<void> {
    this.#signal("SIGSTOP");
  }

  async thaw(): Promise<void> {
    this.#signal("SIGCONT");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 10 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The server first, so that it makes no more children meanwhile. */
  #signal(signal: NodeJS.Signals): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    process.kill(pid, signal);
    for (const child of childrenOf(pid)) signalIfThere(child, signal);
  }

  async #end(how: (child: ChildProcess) => void): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || hasEnded(child)) return;
    const exit = once(child, "exit");
    child.ref();
    how(child);
    await within(() => `the end of ${this.kind}, process ${child.pid}`, exit, 2 * STOP_MILLIS);
  }

  async #run(command: Command): Promise<void> {
    const child = this.#spawn(command);
    const what = () => `the end of ${command.file}, which says:\n${this.#lastWords()}`;
    const [status] = await within(what, once(child, "exit"), START_MILLIS).finally(() => {
      if (!hasEnded(child)) killTree(child.pid!);
    });
    if (status !== 0) throw new Error(`${command.file} failed:\n${this.#lastWords()}`);
  }

  #spawn({ file, args, env }: Command): ChildProcess {
    const log = openSync(join(this.#home, "log"), "a");
    const child = spawnGuarded(this.#home, file, args, {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...env },
      ...this.#account,
    });
    closeSync(log);
    return child;
  }

  #lastWords(): string {
    return readFileSync(join(this.#home, "log"), "utf8").split("\n").slice(-15).join("\n");
  }
}

/** Some end by themselves. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function childrenOf(pid: number): readonly number[] {
  const found = spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8", timeout: 10_000 });
  return found.stdout.split("\n").filter(Boolean).map(Number);
}
