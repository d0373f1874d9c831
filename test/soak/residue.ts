/** What must not pile up: memory, and handles that keep a process alive. */

/** Without what comes with the first use of everything. */
const WARM_UP = 2;
const MOST_GROWTH = 24 * 2 ** 20;

export class Memory {
  readonly #heaps: number[] = [];

  sample(): void {
    if (globalThis.gc === undefined) throw new Error("run it with node --expose-gc");
    globalThis.gc();
    this.#heaps.push(process.memoryUsage().heapUsed);
  }

  /** From the third sample to the last, the least of three at either end: a single one may be taken at a bad moment. */
  *growth(): Generator<string> {
    const settled = this.#heaps.slice(WARM_UP);
    if (settled.length < 6) return;
    const growth = Math.min(...settled.slice(-3)) - Math.min(...settled.slice(0, 3));
    if (growth > MOST_GROWTH) yield `the heap grew by ${megabytes(growth)}`;
  }

  summary(): string {
    const [first = 0] = this.#heaps;
    const settled = this.#heaps[WARM_UP] ?? first;
    return `${megabytes(first)} after the first round, ${megabytes(settled)} warm, ${megabytes(this.#heaps.at(-1) ?? 0)} at the end`;
  }
}

/** What keeps this process alive now, beyond what is known already. */
export function openHandles(known: readonly string[] = []): string[] {
  const left = process.getActiveResourcesInfo();
  for (const handle of known) {
    const place = left.indexOf(handle);
    if (place >= 0) left.splice(place, 1);
  }
  return left;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
