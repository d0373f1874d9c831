/** Draws what was measured: a bar for each contender, a group for each question. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { count, type Measured, median, ratio } from "./harness.js";

/** Legible on white and on black. */
const TEXT = "#7d8590";
const OURS = "#2f81f7";
const PEER = "#8b949e";

/** An SVG of all questions that were measured. */
export async function plot(measured: readonly Measured[]): Promise<string> {
  const values = measured.flatMap(({ title, figures }) =>
    figures.map((one) => ({
      title,
      name: one.name,
      rate: median(one.rates),
      ours: one === figures[0],
      label: `${count(median(one.rates))}/s${one === figures[0] ? "" : `  (${ratio(one, figures[0]!).toFixed(2)} ×)`}`,
    })),
  );
  const y = {
    field: "name",
    type: "nominal",
    sort: null,
    title: null,
    axis: { ticks: false, domain: false },
  } as const;
  const x = { field: "rate", type: "quantitative", axis: null, scale: { domainMin: 0 } } as const;
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    description: "Work done per second, adbapi beside others on the same machine",
    data: { values },
    facet: {
      field: "title",
      type: "nominal",
      sort: null,
      title: null,
      header: { labelAnchor: "start", labelFontWeight: "bold", labelFontSize: 12, labelColor: TEXT },
    },
    columns: 1,
    spacing: 14,
    spec: {
      width: 420,
      height: { step: 20 },
      layer: [
        {
          mark: { type: "bar", cornerRadiusEnd: 2, height: 13 },
          encoding: {
            x,
            y,
            color: {
              field: "ours",
              type: "nominal",
              scale: { domain: [true, false], range: [OURS, PEER] },
              legend: null,
            },
          },
        },
        {
          mark: { type: "text", align: "left", dx: 5, color: TEXT, fontSize: 11 },
          encoding: { x, y, text: { field: "label" } },
        },
      ],
    },
    resolve: { scale: { x: "independent", y: "independent" } },
    background: "transparent",
    padding: { left: 5, right: 110, top: 5, bottom: 5 },
    config: {
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: { labelColor: TEXT, labelFontSize: 11, labelLimit: 240 },
    },
  };
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  return `${await view.toSVG()}\n`;
}
