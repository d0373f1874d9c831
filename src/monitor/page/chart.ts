import uPlot from "uplot";
import { SECONDS } from "./history.js";

export interface Line {
  readonly label: string;
  /** The CSS property that holds its colour, so that light and dark are the style sheet's affair. */
  readonly color: string;
  /** Filled down to the axis: of lines drawn one over the other, the tallest comes first. */
  readonly filled?: boolean;
  /** What the legend says for a point, where that is not its height. */
  readonly read?: (index: number) => number | null | undefined;
}

export interface ChartOptions {
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** A logarithmic axis, for what spans magnitudes. Default: from zero. */
  readonly logarithmic?: boolean;
}

const HEIGHT = 190;
const SHORTEST_SECONDS = 60;
const FONT = '12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

/** 1, 2, 5, 10 …: what is counted has no halves. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
).flat();

/** Draws into `parent`, as wide as that is, and gives the function that draws new columns. */
export function chart(parent: HTMLElement, options: ChartOptions): (columns: uPlot.AlignedData) => void {
  const plot = new uPlot(optionsFor(options, widthIn(parent)), [[], ...options.lines.map(() => [])], parent);
  new ResizeObserver(() => plot.setSize({ width: widthIn(parent), height: HEIGHT })).observe(parent);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
  return (columns) => plot.setData(columns);
}

function optionsFor({ lines, format, logarithmic = false }: ChartOptions, width: number): uPlot.Options {
  const axis = {
    stroke: color("--quiet"),
    font: FONT,
    grid: { stroke: color("--grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    legend: { markers: { width: 0, fill: (_, series) => color(lines[series - 1]?.color ?? "")() } },
    cursor: { sync: { key: "pool" }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { range: (_, __, max) => timeRange(max) },
      y: logarithmic
        ? { distr: 3, range: (_, min, max) => magnitudes(min, max) }
        : { range: (_, __, max) => fromZero(max) },
    },
    axes: [
      { ...axis, grid: { show: false }, values: "{HH}:{mm}:{ss}", space: 90, size: 28 },
      {
        ...axis,
        size: 48,
        space: 32,
        ...(logarithmic ? { grid: { ...axis.grid, filter: powersOfTen } } : { incrs: WHOLE_STEPS }),
        values: (_, splits) => splits.map((each) => (each === null ? "" : format(each))),
      },
    ],
    series: [
      { label: "Time", value: (plot, at) => clockTime(at ?? plot.data[0].at(-1)) },
      ...lines.map(({ label, color: name, filled, read }) => ({
        label,
        stroke: color(name),
        width: 1.75,
        ...(filled ? { fill: color(name) } : {}),
        points: { show: false },
        value: (plot: uPlot, height: number | null, series: number, index: number | null) => {
          const at = index ?? plot.data[0].length - 1;
          const value = read ? read(at) : (height ?? plot.data[series]?.[at]);
          return value == null ? "–" : format(value);
        },
      })),
    ],
  };
}

function color(name: string): () => string {
  return () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function widthIn(parent: HTMLElement): number {
  const { paddingLeft, paddingRight } = getComputedStyle(parent);
  return Math.max(120, parent.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight));
}

function clockTime(seconds: number | undefined): string {
  return seconds === undefined ? "–" : new Date(seconds * 1_000).toLocaleTimeString("en-GB");
}

function powersOfTen(_: uPlot, splits: number[]): (number | null)[] {
  return splits.map((each) => (Number.isInteger(Math.log10(each)) ? each : null));
}

/** Uncertain bounds: uPlot gives null, against its types, while there is no data. */
type Bound = number | null;

/** Grows from a minute to the whole history, and slides from then on. */
function timeRange(last: Bound): [number, number] {
  const end = last ?? Date.now() / 1_000;
  const shown = Math.min(SECONDS, Math.max(SHORTEST_SECONDS, end - openedAt));
  return [end - shown, end];
}

const openedAt = Date.now() / 1_000;

function fromZero(max: Bound): [number, number] {
  return [0, Math.max(1, (max ?? 0) * 1.1)];
}

function magnitudes(min: Bound, max: Bound): uPlot.Range.MinMax {
  return min === null || max === null ? [0.1, 10] : uPlot.rangeLog(min, max, 10, true);
}
