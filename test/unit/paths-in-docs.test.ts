/** The pages name files of the project: each is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const pages = [
  "CONTRIBUTING.md",
  ...["docs", "docs/decisions"].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
];

/** `src/…` and `drivers/…`, where it is not the end of a longer path, nor a pattern. */
const PATH = /(?<![\w./*-])(?:src|drivers)\/[\w./-]*[\w/](?![\w*<])/g;

test("a page names no file or folder of src and drivers that is not there", () => {
  const named = pages.flatMap((page) =>
    readFileSync(page, "utf8")
      .split("\n")
      .flatMap((line, index) =>
        [...line.matchAll(PATH)].map(([path]) => ({ place: `${page}:${index + 1}`, path })),
      ),
  );
  expect(named.length).toBeGreaterThan(50);
  // What the threads load is named as it is published.
  const source = (path: string) => path.replace(/\.js$/, ".ts");
  expect(named.filter(({ path }) => !existsSync(source(path)))).toEqual([]);
});
