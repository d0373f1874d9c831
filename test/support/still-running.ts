/**
 * A reporter that gives a hang its name: it says which tests are running once one of them takes long, and when the run
 * is ended from outside. Failures are told at once; the other reporters wait for the end of the file.
 */
import { relative } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";

const LONG_MILLIS = 60_000;

export default class StillRunning implements Reporter {
  /** By the path of their file. */
  readonly #running = new Map<string, Running>();
  #begun: Running = now();

  onInit(): void {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.prependOnceListener(signal, () => this.#print(`${signal} from outside`));
    }
    setInterval(() => this.#watch(), 1_000).unref();
  }

  onTestModuleQueued(module: TestModule): void {
    this.#running.set(module.moduleId, now());
  }

  onTestCaseReady(test: TestCase): void {
    this.#set(test.module.moduleId, now(test));
  }

  onTestCaseResult(test: TestCase): void {
    this.#set(test.module.moduleId, now());
    if (test.result().state === "failed")
      process.stderr.write(`*** failed: ${nameOf(test.module.moduleId, test)}\n`);
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.moduleId);
    this.#begun = now();
  }

  /** A result may come after the end of its file. */
  #set(file: string, running: Running): void {
    if (this.#running.has(file)) this.#running.set(file, running);
  }

  #watch(): void {
    const all = this.#running.size > 0 ? [...this.#running.values()] : [this.#begun];
    const late = all.filter(({ told }) => Date.now() - told >= LONG_MILLIS);
    if (late.length > 0) this.#print("This takes long");
    for (const running of late) running.told = Date.now();
  }

  #print(why: string): void {
    const lines = [...this.#running].map(
      ([file, { since, test }]) => `    ${nameOf(file, test)}: for ${seconds(since)}\n`,
    );
    const none = `    no test for ${seconds(this.#begun.since)}: servers start, or end\n`;
    process.stderr.write(`\n*** ${why}; running:\n${lines.join("") || none}`);
  }
}

interface Running {
  readonly since: number;
  /** Undefined while a file is loaded, its hooks run, or it ends. */
  readonly test?: TestCase | undefined;
  told: number;
}

function now(test?: TestCase): Running {
  return { since: Date.now(), told: Date.now(), test };
}

function nameOf(file: string, test?: TestCase): string {
  return `${relative(process.cwd(), file)} > ${test?.fullName ?? "(between its tests)"}`;
}

function seconds(since: number): string {
  return `${Math.round((Date.now() - since) / 1_000)} s`;
}
