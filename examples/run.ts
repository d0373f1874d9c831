/** Runs an example by its name: `npm run example <name> -- <its arguments>`; without one, lists them all. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && file !== "run.ts")
  .map((file) => file.slice(0, -3));

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  const width = Math.max(...names.map((each) => each.length));
  console.log("npm run example <name> -- <arguments>\n");
  for (const each of names) console.log(`  ${each.padEnd(width)}  ${firstComment(each)}`);
} else if (names.includes(name)) {
  const file = `${folder}${name}.ts`;
  process.argv = [process.argv[0]!, file, ...args]; // as if it had been started by itself
  await import(pathToFileURL(file).href);
} else {
  console.error(`No example named ${name}; there are ${names.join(", ")}`);
  process.exitCode = 2;
}

function firstComment(name: string): string {
  const source = readFileSync(`${folder}${name}.ts`, "utf8");
  return /^(?:#!.*\n)?(?:\/\/|\/\*\*?)[\s*]*(.*?)(?:\s*\*\/)?$/m.exec(source)?.[1] ?? "";
}
