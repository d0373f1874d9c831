/**
 * `npm run bench` asks all questions, `npm run bench -- pg sqlite` some. Prints Markdown. With `--write` it also keeps
 * what it measured: in bench/last.json, in bench/README.md between its two marks, and as a picture in docs/bench.svg.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { closeServers } from "./data.js";
import { measured } from "./harness.js";
import { plot } from "./plot.js";

const HELPERS = ["run", "harness", "data", "instant", "node-sqlite3", "plot"];
const BEGIN = "<!-- last run: begin -->";
const END = "<!-- last run: end -->";

const all = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3))
  .filter((name) => !HELPERS.includes(name));
const write = process.argv.includes("--write");
const asked = process.argv.slice(2).filter((name) => name !== "--write");
for (const name of asked) {
  if (!all.includes(name)) {
    console.error(`no question "${name}": there are ${all.join(", ")}`);
    process.exit(2);
  }
}

const report: string[] = [];
try {
  for (const name of asked.length > 0 ? asked : all) {
    const { default: question } = (await import(`./${name}.ts`)) as { default: () => Promise<string> };
    const part = await question();
    console.log(part);
    report.push(part);
  }
} finally {
  await closeServers();
}
if (write) await keep();

async function keep(): Promise<void> {
  const at = (path: string) => new URL(path, import.meta.url);
  const day = new Date().toISOString().slice(0, 10);
  writeFileSync(at("last.json"), `${JSON.stringify({ day, machine: machine(), measured }, null, 2)}\n`);
  const readme = readFileSync(at("README.md"), "utf8");
  const [before, rest = ""] = readme.split(BEGIN);
  const [, after = ""] = rest.split(END);
  const text = [BEGIN, "", `${day}, ${machine()}.`, "", ...report.map((part) => part.trim()), "", END].join(
    "\n",
  );
  writeFileSync(at("README.md"), `${before}${text}${after}`);
  writeFileSync(at("../docs/bench.svg"), await plot(measured));
}

function machine(): string {
  const [first, ...others] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${first?.model.trim()}, ${others.length + 1} cores, ${memory} GiB, ${process.platform}, Node.js ${process.version}`;
}
