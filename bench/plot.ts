/** Draws what was measured: a bar for each contender, a group for each question. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { count, type Measured, median, ratio } from "./harness.js";

/** Legible on white and on black. */
const TEXT = "#7d8590";
const OURS = "#2f81f7";
const PEER = "#8b949e";

type Group = Extract<TopLevelSpec, { readonly vconcat: unknown }>["vconcat"][number];

/** An SVG of all questions that were measured; the width of the bars tells nothing from one question to the next. */
export async function plot(measured: readonly Measured[]): Promise<string> {
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    description: "Work done per second, adbapi beside others on the same machine",
    vconcat: measured.map(group),
    spacing: 16,
    background: "transparent",
    padding: 8,
    config: {
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: { labelColor: TEXT, labelFontSize: 11, labelLimit: 400, minExtent: 200, maxExtent: 200 },
      title: { anchor: "start", frame: "group", color: TEXT, fontSize: 12 },
    },
  };
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  return `${lean(await view.toSVG())}\n`;
}

/** What no reader of a picture sees: labels of its parts, empty shapes, a hundredth of a pixel. */
function lean(svg: string): string {
  return svg
    .replace(/ (?:aria-[a-z]+|role|class)="[^"]*"/g, "")
    .replace(/<path d=""[^>]*\/>|<path d="M0,0h\d+v0h-?\d+Z"[^>]*\/>/g, "")
    .replace(/(\d+\.\d{2})\d+/g, "$1");
}

function group({ title, figures }: Measured): Group {
  const first = figures[0]!;
  const values = figures.map((one) => {
    const rate = median(one.rates);
    const beside = one === first ? "" : `   ·   ${ratio(one, first).toFixed(2)} ×`;
    return { name: one.name, rate, color: one === first ? OURS : PEER, label: `${count(rate)}/s${beside}` };
  });
  const most = Math.max(...values.map(({ rate }) => rate));
  const y = {
    field: "name",
    type: "nominal",
    sort: null,
    title: null,
    axis: { ticks: false, domain: false },
  } as const;
  // Room for the text behind the longest bar.
  const x = {
    field: "rate",
    type: "quantitative",
    axis: null,
    scale: { domainMin: 0, domainMax: most * 1.35 },
  } as const;
  return {
    title,
    data: { values },
    width: 480,
    height: { step: 20 },
    layer: [
      {
        mark: { type: "bar", cornerRadiusEnd: 2, height: 13 },
        encoding: { x, y, color: { field: "color", type: "nominal", scale: null } },
      },
      {
        mark: { type: "text", align: "left", dx: 5, color: TEXT, fontSize: 11 },
        encoding: { x, y, text: { field: "label" } },
      },
    ],
  };
}
