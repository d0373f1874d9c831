/** The code in the project's Markdown, as programs. CONTRIBUTING.md has the convention. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

export const ROOT = new URL("../../", import.meta.url);

/** One program of a page: its first block, and those that continue it. */
export interface Program {
  /** `docs/pool.md:12`, the line of its first block. */
  readonly place: string;
  /**
   * With every line on the number that it has in the page, so that errors point there. Blocks marked `no-run` are in
   * it.
   */
  readonly source: string;
  /** The same without the blocks marked `no-run`; undefined when nothing is left to run. */
  readonly runnable: string | undefined;
  /** JavaScript is run, and not type-checked. */
  readonly typed: boolean;
  /** What lines of the form `console.log(…); // text` promise. */
  readonly promised: readonly string[];
}

export interface Page {
  /** Relative to the root. */
  readonly path: string;
  readonly programs: readonly Program[];
  /** Files that programs of the page find beside them: blocks marked `file=name`. */
  readonly files: ReadonlyMap<string, string>;
  /** Blocks marked `excerpt=path`, by the file that they are taken from. */
  readonly excerpts: readonly { readonly file: string; readonly lines: readonly string[] }[];
  /** The lines of its `sh` blocks. */
  readonly commands: readonly string[];
  /** Places of blocks marked `no-run` with no comment above that says why. */
  readonly unexplained: readonly string[];
}

interface Block {
  /** Of its first line of code, counted from 1. */
  readonly line: number;
  readonly language: string;
  readonly marks: readonly string[];
  readonly lines: readonly string[];
  readonly explained: boolean;
}

/** README.md, and all of docs/ but what TypeDoc makes. */
export function allPages(): readonly Page[] {
  const docs = readdirSync(new URL("docs/", ROOT), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md") && !path.startsWith("api/"))
    .sort();
  return ["README.md", ...docs.map((path) => `docs/${path}`)]
    .filter((path) => existsSync(new URL(path, ROOT)))
    .map(pageOf);
}

function pageOf(path: string): Page {
  const blocks = blocksOf(readFileSync(new URL(path, ROOT), "utf8").split("\n"));
  const files = new Map<string, string>();
  const programs: Block[][] = [];
  const excerpts: { file: string; lines: readonly string[] }[] = [];
  const commands: string[] = [];
  const unexplained: string[] = [];
  for (const block of blocks) {
    if (block.language === "sh") commands.push(...block.lines);
    if (block.language !== "ts" && block.language !== "js") continue;
    const file = markOf(block, "file");
    const origin = markOf(block, "excerpt");
    if (block.marks.includes("no-run") && !block.explained) unexplained.push(`${path}:${block.line}`);
    if (file !== undefined) files.set(file, `${block.lines.join("\n")}\n`);
    else if (origin !== undefined) excerpts.push({ file: origin, lines: block.lines });
    else if (programs.length === 0 || startsProgram(block)) programs.push([block]);
    else programs.at(-1)!.push(block);
  }
  return {
    path,
    programs: programs.map((program) => programOf(path, program)),
    files,
    excerpts,
    commands,
    unexplained,
  };
}

function startsProgram({ lines, marks }: Block): boolean {
  return !marks.includes("continue") && lines.some((line) => /^import\b/.test(line));
}

function markOf({ marks }: Block, name: string): string | undefined {
  return marks.find((mark) => mark.startsWith(`${name}=`))?.slice(name.length + 1);
}

function blocksOf(lines: readonly string[]): readonly Block[] {
  const blocks: Block[] = [];
  let fenced:
    | { fence: string; language: string; marks: string[]; start: number; explained: boolean }
    | undefined;
  lines.forEach((line, index) => {
    const fence = /^(```+)(\S*)(.*)$/.exec(line);
    if (fence === null) return;
    const [, ticks = "", language = "", marks = ""] = fence;
    if (fenced === undefined) {
      const above = lines.slice(0, index).findLast((text) => text.trim() !== "") ?? "";
      const explained = above.endsWith("-->");
      fenced = {
        fence: ticks,
        language,
        marks: marks.split(/\s+/).filter(Boolean),
        start: index + 1,
        explained,
      };
    } else if (ticks === fenced.fence && language === "") {
      const { start, marks: all, explained } = fenced;
      const code = lines.slice(start, index);
      blocks.push({ line: start + 1, language: fenced.language, marks: all, lines: code, explained });
      fenced = undefined;
    }
  });
  return blocks;
}

/** Blocks that continue a program have a scope of their own, opened and closed where the fences were. */
function programOf(path: string, blocks: readonly Block[]): Program {
  const assemble = (chosen: readonly Block[]) => {
    const out: string[] = [];
    for (const block of chosen) {
      const open = block === blocks[0] || block.marks.includes("continue");
      while (out.length < block.line - 2) out.push("");
      if (out.length < block.line - 1) out.push(open ? "" : "{");
      out.push(...block.lines, open ? "" : "}");
    }
    return out.join("\n");
  };
  const runs = blocks.filter((block) => !block.marks.includes("no-run"));
  const promised = runs.flatMap((block) =>
    block.lines.flatMap((line) => /^\s*(?:\.\w+\(.*)?console\.log\(.*\/\/ (.+)$/.exec(line)?.[1] ?? []),
  );
  return {
    place: `${path}:${blocks[0]!.line}`,
    typed: blocks[0]!.language === "ts",
    source: assemble(blocks),
    runnable: runs.includes(blocks[0]!) ? assemble(runs) : undefined,
    promised,
  };
}
