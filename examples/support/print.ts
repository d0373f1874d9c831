import { stripVTControlCharacters, styleText } from "node:util";
import Table from "cli-table3";

export function heading(text: string): void {
  say(`\n${styleText("bold", text)}`);
}

/** What went well. */
export function good(text: string): void {
  say(`  ${styleText("green", "✓")} ${text}`);
}

/** What failed, and why. */
export function bad(text: string, error: Error): void {
  const [why] = error.message.split("\n");
  say(`  ${styleText("red", "✗")} ${text}\n      ${error.name}: ${why}`);
}

export function table(rows: readonly object[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const printed = new Table({ head: columns, style: { head: ["bold"], border: ["gray"] } });
  for (const row of rows)
    printed.push(columns.map((column) => String((row as Record<string, unknown>)[column])));
  say(`${printed.toString().replace(/^/gm, "  ")}`);
}

/** In colour for people; plain where the output goes into a file or a pipe. */
function say(text: string): void {
  console.log(process.stdout.isTTY ? text : stripVTControlCharacters(text));
}
