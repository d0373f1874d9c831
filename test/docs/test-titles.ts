/** Which tests a file holds, as its text has them, and on which targets each runs. */
import { readFileSync } from "node:fs";
import { ALL_TARGETS } from "../support/targets.js";

export interface Titles {
  /** Names of targets; empty for tests that stand outside of `describeEach`. */
  readonly targets: readonly string[];
  /** Every literal of the part, titles and rows of `test.each` among them. */
  readonly literals: readonly string[];
}

const SERVERS = ALL_TARGETS.filter(({ server }) => server !== undefined);
const FILES = ALL_TARGETS.filter(({ server }) => server === undefined);

/** One for each statement at the top of the file, which the formatter begins and ends at the edge. */
export function titlesOf(file: URL): readonly Titles[] {
  const parts = readFileSync(file, "utf8").split(/\n(?=\S)/);
  return parts.map((text) => ({ targets: targetsOf(text), literals: literalsOf(text) }));
}

/** What `describeEach(…, (target) =>` is called with. */
function targetsOf(text: string): readonly string[] {
  const expression = /^describeEach\(\s*([\s\S]*?),\s*\(target\) =>/.exec(text)?.[1];
  if (expression === undefined) return [];
  const evaluate = new Function("TARGETS", "SERVER_TARGETS", "FILE_TARGETS", `return ${expression}`);
  return (evaluate(ALL_TARGETS, SERVERS, FILES) as typeof ALL_TARGETS).map(({ name }) => name);
}

function literalsOf(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\\n]|\\.)*)"|`([^`]*)`|'((?:[^'\\\n]|\\.)*)'/g)].map(
    ([, double, template, single]) => double ?? template ?? single ?? "",
  );
}
