/** docs/reliability.md and docs/security.md name tests that exist, on the drivers that they speak of. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Titles, titlesOf } from "../docs/test-titles.js";

const ROOT = new URL("../../", import.meta.url);
const SERVERS = ["pg", "mysql2", "mariadb"];
const FILES = ["better-sqlite3", "node:sqlite"];
/** What the column of drivers may say; tests without a server of their own stand outside of `describeEach`. */
const DRIVERS: Readonly<Record<string, readonly string[]>> = {
  all: [...SERVERS, ...FILES],
  SQLite: FILES,
  "scripted driver": [],
  "no server": [],
  ...Object.fromEntries([...SERVERS, ...FILES].map((name) => [name, [name]])),
};

/** The cells of each row of the tables of a page, but for the headings. */
function rowsOf(page: string): readonly (readonly string[])[] {
  const lines = readFileSync(new URL(`docs/${page}`, ROOT), "utf8").split("\n");
  const rows = lines.map((line, at) => ({ line, heading: lines[at + 1]?.startsWith("| ---") }));
  return rows
    .filter(({ line, heading }) => line.startsWith("| ") && !heading && !line.startsWith("| ---"))
    .map(({ line }) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

const files = new Map<string, readonly Titles[]>();

/** The parts of the file that hold a title which begins like this. */
function partsWith(path: string, beginning: string): readonly Titles[] {
  const url = new URL(path, ROOT);
  if (!existsSync(url)) throw new Error(`there is no ${path}`);
  const titles = files.get(path) ?? titlesOf(url);
  files.set(path, titles);
  return titles.filter(({ literals }) => literals.some((literal) => literal.startsWith(beginning)));
}

/** `a.test.ts: F1 refused; b.test.ts: F1`. */
function testsOf(cell: string): readonly { readonly path: string; readonly title: string }[] {
  return cell.split("; ").map((entry) => {
    const [, path, title] = /^`?([\w/.-]+\.test\.ts)`?: (.+)$/.exec(entry) ?? [];
    if (path === undefined || title === undefined) throw new Error(`"${entry}" names no test`);
    return { path, title };
  });
}

describe("docs/reliability.md", () => {
  const rows = rowsOf("reliability.md").filter(([row]) => /^[FB]\d+$/.test(row ?? ""));

  test("has every row", () => {
    const numbered = (letter: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${letter}${n + 1}`);
    expect(rows.map(([row]) => row)).toEqual(
      expect.arrayContaining([...numbered("F", 25), ...numbered("B", 45)]),
    );
  });

  test.each(rows)("%s %s, on %s", (row, _fault, drivers, _end, tests) => {
    const shown = new Set<string>();
    let outside = false;
    for (const { path, title } of testsOf(tests!)) {
      const parts = partsWith(path.includes("/") ? path : `test/faults/${path}`, title);
      expect(parts, `${path}: ${title}`).not.toEqual([]);
      for (const { targets } of parts) {
        if (targets.length === 0) outside = true;
        for (const target of targets) shown.add(target);
      }
    }
    const named = testsOf(tests!).some(({ title }) => title.split(" ").includes(row!));
    expect(named, `a title that names ${row}`).toBe(true);
    for (const driver of drivers!.split(", ")) {
      const wanted = DRIVERS[driver];
      expect(wanted, driver).toBeDefined();
      if (wanted!.length === 0) expect(outside, `a test for ${driver}`).toBe(true);
      expect(wanted!.filter((name) => !shown.has(name))).toEqual([]);
    }
  });
});

describe("docs/security.md", () => {
  // Its other tables have two columns.
  const guarantees = rowsOf("security.md").filter(({ length }) => length === 3);

  test.each(guarantees)("%s", (_guarantee, _how, tests) => {
    for (const { path, title } of testsOf(tests!)) {
      expect(partsWith(path, title), `${path}: ${title}`).not.toEqual([]);
    }
  });
});
