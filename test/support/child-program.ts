import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { own } from "./children.js";
import { within } from "./within.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Ended {
  /** As a shell has it: 128 and the number of the signal for a process that one killed. */
  readonly status: number | NodeJS.Signals | null;
  readonly output: string;
}

/**
 * A Node.js process of the test's own, its two outputs read as one text. `await using` kills it if it is still there.
 */
export class ChildProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #output = "";

  /** Runs `node` with these arguments, at the root of the repository. */
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = own(
      spawn(process.execPath, args, {
        cwd: ROOT,
        env: { ...process.env, NO_COLOR: "1", ...env },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
        this.#child.emit("output");
      });
    }
    this.#ended = once(this.#child, "close").then(([code, signal]) => ({
      status: code ?? signal,
      output: this.#output,
    }));
  }

  /** An example by its name, run as `npm run example` does. */
  static example(name: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    return new ChildProgram(["--import", "tsx", `examples/${name}.ts`, ...args], env);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get output(): string {
    return this.#output;
  }

  /** Fires with the match once the output has it; rejects if the process ends without, or goes on without. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return within(() => `${pattern} in the output\n${this.#output}`, this.#printed(pattern));
  }

  async #printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found !== null) return found;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        const { output } = await this.#ended;
        const late = pattern.exec(output);
        if (late !== null) return late;
        throw new Error(`It ended without printing ${pattern}:\n${output}`);
      }
      await Promise.race([once(this.#child, "output"), this.#ended]);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  ended(): Promise<Ended> {
    return within(() => `the end of a program with the output\n${this.#output}`, this.#ended);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.ended();
  }
}
