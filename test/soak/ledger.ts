/**
 * What was asked of a database and how it ended, kept outside of it. Every piece of work writes rows `(work, part)`
 * under a number of its own; when all is quiet, the rows that are there are held against what the callers were told.
 */
import type { Outcome } from "adbapi";
import type { Figures } from "./figures.js";

/** `open` while the caller has no answer yet. */
type Standing = "open" | "there" | "not there" | "either";

interface Entry {
  readonly what: string;
  readonly parts: number;
  standing: Standing;
  /** What the caller was told, for the report of a violation. */
  told: string;
}

export interface EntryRow {
  readonly work: number;
  readonly part: number;
  /** How often it is there. */
  readonly times: number;
}

/** One for each database. The numbers of its works are never used again. */
export class Ledger {
  readonly #figures: Figures;
  readonly #entries = new Map<number, Entry>();
  #next = 1;

  constructor(figures: Figures) {
    this.#figures = figures;
  }

  /** Work that is about to be asked for; it writes all of its parts or none. */
  open(what: string, parts = 1): number {
    const work = this.#next++;
    this.#entries.set(work, { what, parts, standing: "open", told: "nothing" });
    return work;
  }

  /** The caller was told that it is done. */
  acknowledged(work: number): void {
    this.#settle(work, "there", "done");
  }

  /**
   * The work failed, and its error says what is known. An error that says nothing promises that nothing of it lasts.
   */
  failed(work: number, error: unknown): void {
    const outcome = outcomeOf(error);
    this.#settle(work, outcome === undefined ? "not there" : STANDING[outcome], describe(error));
  }

  /** It was undone by its own caller. */
  undone(work: number): void {
    this.#settle(work, "not there", "undone");
  }

  /** Those that nobody was told of. */
  *forgotten(): Generator<string> {
    for (const [work, { what, standing }] of this.#entries) if (standing === "open") yield `${what} ${work}`;
  }

  /** Holds the rows that are there against what was told, and begins anew. */
  check(rows: readonly EntryRow[]): void {
    const there = new Map<number, EntryRow[]>();
    for (const row of rows) there.set(row.work, [...(there.get(row.work) ?? []), row]);
    for (const [work, entry] of this.#entries) {
      const parts = there.get(work) ?? [];
      there.delete(work);
      this.#judge(work, entry, parts);
    }
    for (const work of there.keys()) this.#figures.violated(`rows of ${work}, which was never asked for`);
    this.#entries.clear();
  }

  #judge(work: number, { what, parts, standing, told }: Entry, found: readonly EntryRow[]): void {
    const twice = found.some(({ times }) => times !== 1);
    const whole = found.length === parts;
    const saw = `${what} ${work}: told ${told}; ${found.length} of ${parts} parts are there`;
    if (twice) this.#figures.violated(`${saw}, some of them more than once`);
    else if (!whole && found.length > 0) this.#figures.violated(saw);
    else if (standing === "there" && !whole) this.#figures.violated(saw);
    else if (standing === "not there" && whole) this.#figures.violated(saw);
    else if (standing === "either") {
      this.#figures.count("unknown outcomes");
      this.#figures.count(whole ? "of these applied" : "of these not applied");
    }
  }

  #settle(work: number, standing: Standing, told: string): void {
    const entry = this.#entries.get(work);
    if (entry?.standing !== "open") {
      this.#figures.violated(`${work}: a second answer, ${told}; the first was ${entry?.told}`);
      return;
    }
    entry.standing = standing;
    entry.told = told;
  }
}

const STANDING: Readonly<Record<Outcome, Standing>> = {
  "not sent": "not there",
  "not applied": "not there",
  applied: "there",
  unknown: "either",
};

export function outcomeOf(error: unknown): Outcome | undefined {
  return (error as { outcome?: Outcome }).outcome;
}

export function describe(error: unknown): string {
  const { name, message } = error as Error;
  const outcome = outcomeOf(error);
  const short = String(message).slice(0, 150);
  return outcome === undefined ? `${name}: ${short}` : `${name} (${outcome}): ${short}`;
}
