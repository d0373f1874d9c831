// The README of the package is the beginning of the project's: what it is, how to install it, how it looks. Before packing it takes the other's place, and
// after it (`restore`) that is put back; also after a run that was cut short.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where the part begins that is for who looks at the project. */
const PROJECT = "\n## Try it\n";

const MORE = `
## More

Documentation, examples and measurements are in the project's repository, and the docstrings in your editor. MIT licence.
`;

/** @param {string} root */
export function shorten(root) {
  restore(root);
  const { readme, whole } = placesIn(root);
  const text = readFileSync(readme, "utf8");
  const end = text.indexOf(PROJECT);
  if (end < 0) throw new Error(`README.md has no line "${PROJECT.trim()}"`);
  mkdirSync(dirname(whole), { recursive: true });
  renameSync(readme, whole);
  writeFileSync(readme, text.slice(0, end) + MORE);
}

/** @param {string} root */
export function restore(root) {
  const { readme, whole } = placesIn(root);
  if (existsSync(whole)) renameSync(whole, readme);
}

/** @param {string} root */
function placesIn(root) {
  return { readme: join(root, "README.md"), whole: join(root, ".cache", "README.md") };
}
