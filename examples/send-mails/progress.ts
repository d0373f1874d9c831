/** What came of the mails so far: a bar on a terminal, and at the end, anywhere, what it all took. */
import { monitorEventLoopDelay } from "node:perf_hooks";

const WIDTH = 30;

export class Progress {
  sent = 0;
  failed = 0;
  readonly #delay = monitorEventLoopDelay({ resolution: 5 });
  #total = 0;
  #begun = 0;
  #afterTenth = 0;
  #highest = 0;
  #timer: NodeJS.Timeout | undefined;

  start(total: number): void {
    this.#total = total;
    this.#begun = performance.now();
    this.#delay.enable();
    this.#timer = setInterval(() => this.#draw(), 100);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
    this.#draw();
    if (process.stdout.isTTY) process.stdout.write("\n");
    const [early, most] = [this.#afterTenth, this.#highest].map((bytes) => Math.round(bytes / 1e6));
    const pause = Math.round(this.#delay.max / 1e6);
    console.log(`${this.sent} sent, ${this.failed} failed`);
    console.log(
      `memory: ${early} MB after a tenth, ${most} MB at most; longest pause of the event loop: ${pause} ms`,
    );
  }

  #draw(): void {
    const done = this.sent + this.failed;
    this.#highest = Math.max(this.#highest, process.memoryUsage.rss());
    if (done <= this.#total / 10) this.#afterTenth = this.#highest;
    if (!process.stdout.isTTY) return;
    const rate = Math.round(done / ((performance.now() - this.#begun) / 1_000));
    const bar = "█".repeat((WIDTH * done) / Math.max(this.#total, 1)).padEnd(WIDTH, "░");
    process.stdout.write(`\r  ${bar} ${done} of ${this.#total}, ${rate} a second `);
  }
}
