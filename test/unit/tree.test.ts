/** What makes the tree the diagram: who may import whom, and how large a folder, a file and a line may be. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import typescript from "typescript-5";
import { expect, test } from "vitest";

/** The parts of the drivers that the core may know: the contract, the registry, and what users write drivers with. */
const KNOWN_TO_CORE = ["drivers/driver.js", "drivers/registry.js", "drivers/blocking/index.js"];

const TOP = { src: 8, drivers: 4 };
const FILES_IN_A_FOLDER = 20;
const LINES_IN_A_FILE = 250;
const COLUMNS_OF_A_COMMENT = 120;

const core = filesIn("src");
const drivers = filesIn("drivers");
const sources = [...core, ...drivers];

test("the core imports no driver", () => {
  const crossings = core.flatMap(importsOf).filter(({ path }) => path.startsWith("drivers/"));
  expect(crossings.length).toBeGreaterThan(0);
  expect(crossings.filter(({ path }) => !KNOWN_TO_CORE.includes(path))).toEqual([]);
  const ofRegistry = crossings.filter(({ path }) => path === "drivers/registry.js");
  expect(ofRegistry.map(({ file }) => file).sort()).toEqual(["src/connection-pool.ts", "src/index.ts"]);
});

test("a driver knows its own folder, what drivers share, and the core: no other driver", () => {
  const named = readdirSync("drivers").filter((name) => sources.includes(`drivers/${name}/index.ts`));
  expect(named).toContain("pg");
  const others = drivers
    .filter((file) => file !== "drivers/registry.ts")
    .flatMap(importsOf)
    .filter(({ file, path }) => {
      const [, own] = file.split("/");
      const [folder, other] = path.split("/");
      return folder === "drivers" && other !== own && other !== "blocking" && named.includes(other!);
    });
  expect(others).toEqual([]);
});

test("a driver knows no part of the core that holds its connections", () => {
  const rooms = new Set(
    drivers
      .flatMap(importsOf)
      .filter(({ path }) => path.startsWith("src/"))
      .map(({ path }) => path.split("/")[1]),
  );
  const pools = ["dispatch", "interaction", "pool", "session", "stream", "connection-pool.js"];
  expect(pools.filter((room) => rooms.has(room))).toEqual([]);
});

test("one file knows generic-pool", () => {
  const knowing = sources.flatMap(importsOf).filter(({ path }) => path === "generic-pool");
  expect(knowing).toHaveLength(1);
  expect(dirname(knowing[0]!.file)).toBe("src/pool");
});

test("defer knows no database", () => {
  const outside = core
    .filter((file) => file.startsWith("src/defer/"))
    .flatMap(importsOf)
    .filter(({ path }) => !path.startsWith("src/defer/") && !path.startsWith("node:"));
  expect(outside).toEqual([]);
});

test.each(Object.entries(TOP))("at the top of %s are at most %i files", (folder, most) => {
  expect(sources.filter((file) => dirname(file) === folder).length).toBeLessThanOrEqual(most);
});

test("no folder has too many files", () => {
  const folders = [...new Set(sources.map(dirname))];
  const full = folders.filter(
    (folder) => sources.filter((file) => dirname(file) === folder).length > FILES_IN_A_FOLDER,
  );
  expect(full).toEqual([]);
});

test("no file is too long", () => {
  const long = sources.filter((file) => linesOf(file).length > LINES_IN_A_FILE);
  expect(long).toEqual([]);
});

test.each(["src", "drivers", "test", "examples", "bench"])(
  "no line of a comment in %s is too long",
  (folder) => {
    const long = filesIn(folder).flatMap((file) =>
      linesOf(file).flatMap((line, index) => (isLongComment(line) ? [`${file}:${index + 1}`] : [])),
    );
    expect(long).toEqual([]);
  },
);

/** The TypeScript files below a folder, as paths from the project's own. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith(".ts") && statSync(path).isFile());
}

/** What a file imports, types too: a path from the project's folder, or the name of a package. */
function importsOf(file: string): { file: string; path: string }[] {
  const { importedFiles } = typescript.preProcessFile(readFileSync(file, "utf8"), true, true);
  return importedFiles.map(({ fileName: name }) => ({
    file,
    path: name.startsWith(".") ? normalize(join(dirname(file), name)) : name,
  }));
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8").trimEnd().split("\n");
}

/** A comment that fills its line, or that stands behind code. */
function isLongComment(line: string): boolean {
  return line.length > COLUMNS_OF_A_COMMENT && /^\s*(\/\/|\/?\*)|\s\/\/ [^"'`]*$/.test(line);
}
