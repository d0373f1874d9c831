/** The code of the pages on other libraries: each page is one program, and prints what its comments say. */
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";

test.each(["kysely", "drizzle", "fastify"])("docs/%s.md runs", async (page) => {
  const text = readFileSync(`docs/${page}.md`, "utf8");
  const code = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block!).join("\n");
  const promised = [...code.matchAll(/^ *\/\/ (.*)$/gm)].map(([, line]) => line!);
  const program = transformSync(code, { loader: "ts", format: "esm", target: "node20" }).code;
  await using child = new ChildProgram(["--input-type=module", "--eval", program]);
  const { status, output } = await child.ended();
  expect(output.trim().split("\n")).toEqual(promised);
  expect(status).toBe(0);
});
