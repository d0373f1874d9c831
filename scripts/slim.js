// Makes the dist/ of a folder (of the project itself, unless one is given) what users need of it: code without comments, which editors show from the declarations; declarations that the package's entry
// points lead to; and none of them an error where a driver's package is not installed.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
slim(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));

/** @param {{ exports: Record<string, string | { types: string }>, peerDependencies: Record<string, string> }} manifest */
function slim({ exports, peerDependencies }) {
  const dist = join(root, "dist");
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).map((file) => join(dist, file));
  const entries = Object.values(exports).flatMap((entry) =>
    typeof entry === "string" ? [] : files.filter((file) => matches(join(root, entry.types), file)),
  );
  const declarations = reachable(entries);
  for (const file of files) {
    if (file.endsWith(".d.ts")) {
      if (declarations.has(file)) writeFileSync(file, softened(readFileSync(file, "utf8"), peerDependencies));
      else rmSync(file);
    } else if (file.endsWith(".js") && !file.includes(join("monitor", "page"))) {
      writeFileSync(file, transformSync(readFileSync(file, "utf8"), { legalComments: "none" }).code);
    }
  }
}

/** @param {string} pattern with one `*` at most @param {string} file */
function matches(pattern, file) {
  const [before, after] = pattern.split("*");
  return after === undefined ? file === pattern : file.startsWith(before) && file.endsWith(after);
}

/** @param {readonly string[]} entries */
function reachable(entries) {
  const found = new Set(entries);
  for (const file of found) {
    for (const [, path] of readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)\.js"/g)) {
      found.add(`${resolve(dirname(file), path)}.d.ts`);
    }
  }
  return found;
}

/** An import of a package that is not there gives `any` instead of an error. @param {string} text @param {object} optional */
function softened(text, optional) {
  return text.replace(/^import type .* from "([^"./]+)[^"]*";$/gm, (line, name) =>
    Object.hasOwn(optional, name) ? `// @ts-ignore: it may not be installed\n${line}` : line,
  );
}
