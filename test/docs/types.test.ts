/**
 * The tables of docs/types.md are what a real run gives: `ADBAPI_WRITE_TYPES=1 npx vitest run test/docs/types.test.ts`
 * writes them. Where a driver or its server is missing, its column is not looked at.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TARGETS, type Target } from "../support/targets.js";
import { WORLD } from "../support/world.js";
import { bound, columnsOf, comingBack, isOnThePage, ZONE } from "./types/measure.js";
import { PARAMS } from "./types/params.js";

const PAGE = new URL("../../docs/types.md", import.meta.url);
const writes = process.env.ADBAPI_WRITE_TYPES !== undefined;
const zone = process.env.TZ;

/** The columns of a table, and the drivers that fill each: those of SQLite give the same. */
const TABLES: readonly { readonly name: string; readonly columns: readonly (readonly string[])[] }[] = [
  { name: "PostgreSQL", columns: [["pg"]] },
  { name: "MySQL and MariaDB", columns: [["mysql2"], ["mariadb"]] },
  { name: "SQLite", columns: [["better-sqlite3", "node:sqlite"]] },
];
const BOUND = {
  name: "Params",
  columns: [["pg"], ["mysql2"], ["mariadb"], ["better-sqlite3", "node:sqlite"]],
};

beforeAll(() => {
  process.env.TZ = ZONE;
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const there = (name: string): Target | undefined =>
  TARGETS.find((target) => target.name === name && target.unavailable === undefined);

/** The cells of each row of a table of the page, by the heading above it. */
function tableOf(heading: string): string[][] {
  const [, section = ""] = readFileSync(PAGE, "utf8").split(`\n## ${heading}\n`);
  const lines = section
    .split("\n## ")[0]!
    .split("\n")
    .filter((line) => line.startsWith("| "));
  return lines.slice(2).map((line) => line.slice(2, -2).split(" | "));
}

/** Puts measured cells into one column of a table; the first column names the rows. */
function write(heading: string, names: readonly string[], column: number, cells: readonly string[]): void {
  const page = readFileSync(PAGE, "utf8");
  const old = new Map(tableOf(heading).map((row) => [row[0], row]));
  const rows = names.map((name, n) => {
    const row = [...(old.get(name) ?? [])];
    row[0] = name;
    row[column] = cells[n]!;
    return `| ${Array.from(row, (cell) => cell ?? "").join(" | ")} |`;
  });
  const at = page.indexOf(`\n## ${heading}\n`);
  const begin = page.indexOf("\n| ---", at) + 1;
  const first = page.indexOf("\n", begin) + 1;
  const lines = page.slice(first).split("\n");
  const count = lines.findIndex((line) => !line.startsWith("|"));
  writeFileSync(PAGE, `${page.slice(0, first)}${rows.join("\n")}\n${lines.slice(count).join("\n")}`);
}

describe.runIf(WORLD.name === "plain")("docs/types.md", () => {
  for (const { name, columns } of TABLES) {
    for (const [index, drivers] of columns.entries()) {
      for (const target of drivers.map(there).filter((found) => found !== undefined)) {
        test(`what comes back from ${target.name}`, async ({ skip }) => {
          if (!(await isOnThePage(target))) skip("the page is about MariaDB");
          const cells = await comingBack(target);
          const names = columnsOf(target).map(({ type, literal }) => `${code(type)} ${code(literal)}`);
          if (writes) write(name, names, index + 1, cells);
          const rows = tableOf(name);
          expect(rows.map(([first]) => first)).toEqual(names);
          expect(rows.map((row) => row[index + 1])).toEqual(cells);
        });
      }
    }
  }

  for (const [index, drivers] of BOUND.columns.entries()) {
    for (const target of drivers.map(there).filter((found) => found !== undefined)) {
      test(`what may be bound on ${target.name}`, async ({ skip }) => {
        if (!(await isOnThePage(target))) skip("the page is about MariaDB");
        const cells = await bound(target);
        const names = PARAMS.map((param) => code(param.code));
        if (writes) write(BOUND.name, names, index + 1, cells);
        const rows = tableOf(BOUND.name);
        expect(rows.map(([first]) => first)).toEqual(names);
        expect(rows.map((row) => row[index + 1])).toEqual(cells);
      });
    }
  }
});

function code(text: string): string {
  return `\`${text}\``;
}
