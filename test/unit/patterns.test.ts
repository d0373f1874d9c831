/**
 * No pattern of the library can be made to try again from each place: each is judged by an analyser of regular
 * expressions.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkSync } from "recheck";
import typescript from "typescript-5";
import { expect, test } from "vitest";

const files = ["src", "drivers"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => join(folder, name)),
);

const patterns = new Map(
  files.flatMap((file) => patternsOf(file).map((pattern) => [pattern, file] as const)),
);

test("they are found", () => {
  expect(patterns.size).toBeGreaterThan(20);
});

test.each([...patterns])("%s (%s)", (pattern) => {
  const end = pattern.lastIndexOf("/");
  const judged = checkSync(pattern.slice(1, end), pattern.slice(end + 1), { timeout: 30_000 });
  expect(judged.status).toBe("safe");
});

test("one that is not is noticed", () => {
  expect(checkSync("(=|contains )\\(.*\\)", "s")).toMatchObject({ status: "vulnerable" });
});

function patternsOf(file: string): string[] {
  const source = typescript.createSourceFile(
    file,
    readFileSync(file, "utf8"),
    typescript.ScriptTarget.Latest,
  );
  const found: string[] = [];
  const visit = (node: typescript.Node) => {
    if (node.kind === typescript.SyntaxKind.RegularExpressionLiteral)
      found.push((node as typescript.RegularExpressionLiteral).text);
    typescript.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
