import type { Report } from "../report.js";

/** What the charts reach back to, at one report a second. */
export const SECONDS = 300;

type Column = (number | null)[];

/** The reports of the last minutes, by column, as uPlot takes them. */
export class History {
  readonly #reports: Report[] = [];

  add(report: Report): void {
    this.#reports.push(report);
    if (this.#reports.length > SECONDS) this.#reports.shift();
  }

  at(index: number): Report | undefined {
    return this.#reports[index];
  }

  /** Seconds since 1970, then a column for each way to read a report. */
  columns(...read: ((report: Report) => number | null)[]): [number[], ...Column[]] {
    return [this.#reports.map(({ at }) => at / 1_000), ...read.map((each) => this.#reports.map(each))];
  }
}
