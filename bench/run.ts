/** `npm run bench` asks all questions, `npm run bench -- pg sqlite` some. Prints Markdown. */
import { readdirSync } from "node:fs";
import { closeServers } from "./data.js";

const HELPERS = ["run", "harness", "data", "instant", "plot"];
const all = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3))
  .filter((name) => !HELPERS.includes(name));
const asked = process.argv.slice(2);
for (const name of asked) {
  if (!all.includes(name)) {
    console.error(`no question "${name}": there are ${all.join(", ")}`);
    process.exit(2);
  }
}
try {
  for (const name of asked.length > 0 ? asked : all) {
    const { default: question } = (await import(`./${name}.ts`)) as { default: () => Promise<string> };
    console.log(await question());
  }
} finally {
  await closeServers();
}
