// Declarations as users need them: what the entry points lead to and no more, in one file for each part of the package,
// and an entry point's file that takes its names from there. Written for what the compiler makes of this project: what
// it meets beyond that is an error of the build.
import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { parseSync } from "rolldown/utils";

/**
 * @typedef {{ nodes: any[], texts: string[], area: string }} Declaration all of one name: a function may have several
 */
/** @typedef {{ file: string, name: string, type: boolean }} Export */
/**
 * @typedef {{ declarations: Map<string, Declaration>, imports: Map<string, { from: string, name: string }>, exports:
 * Map<string, Export>, all: { from: string, type: boolean }[] }} Module
 */

/**
 * @param {string} dist
 * @param {readonly string[]} entries files
 * @param {object} optional the packages that may not be installed
 * @returns {{ fileName: string, text: string }[]}
 */
export function rolledDeclarations(dist, entries, optional) {
  /** @type {Map<string, Module>} */
  const modules = new Map();
  /** @type {Map<string, { texts: Map<string, { file: string, text: string }>, imports: Map<string, Set<string>> }>} */
  const areas = new Map();

  const facades = entries.map((entry) => {
    const fileName = relative(dist, entry);
    // As in scripts/build.js.
    return { fileName, text: `/// <reference types="node" />\n${facade(fileName, exportsOf(entry))}` };
  });
  const shared = [...areas].map(([area, { texts, imports }]) => ({
    fileName: `shared/${area}.d.ts`,
    text: [...imports]
      .map(importLine)
      .concat([...texts.values()].map(({ text }) => text))
      .join("\n"),
  }));
  return [...facades, ...shared].map(({ fileName, text }) => ({ fileName, text: `${text}\n` }));

  /** @param {string} file */
  function moduleOf(file) {
    const known = modules.get(file);
    if (known !== undefined) return known;
    const read = readModule(dist, file);
    modules.set(file, read);
    return read;
  }

  /** By exported name. @param {string} file @returns {Map<string, Export>} */
  function exportsOf(file) {
    const { exports, all } = moduleOf(file);
    const found = new Map();
    for (const { from, type } of all) {
      for (const [name, each] of exportsOf(from)) found.set(name, { ...each, type: each.type || type });
    }
    for (const [name, each] of exports) {
      const origin = originOf(each.file, each.name);
      found.set(name, { ...origin, type: each.type || origin.type });
    }
    return found;
  }

  /** Where a name of a module is declared. @param {string} file @param {string} name @returns {Export} */
  function originOf(file, name) {
    const { declarations, imports } = moduleOf(file);
    const declared = declarations.get(name);
    if (declared !== undefined) return { file, name, type: declared.nodes.every(isType) };
    const imported = imports.get(name);
    const origin = imported ? exportsOf(imported.from).get(imported.name) : exportsOf(file).get(name);
    if (origin === undefined) throw new Error(`${file} has no ${name}`);
    return origin;
  }

  /** @param {string} fileName @param {Map<string, Export>} exports */
  function facade(fileName, exports) {
    /** @type {Map<string, string[]>} */
    const lists = new Map();
    for (const [name, origin] of [...exports].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const area = include(origin);
      const renamed = name === origin.name ? name : `${origin.name} as ${name}`;
      lists.set(area, [...(lists.get(area) ?? []), origin.type ? `type ${renamed}` : renamed]);
    }
    const up = "../".repeat(fileName.split("/").length - 1);
    return [...lists]
      .map(([area, names]) => `export { ${names.join(", ")} } from "${up}shared/${area}.js";`)
      .join("\n");
  }

  /**
   * Takes a declaration, and all that it mentions, into the file of its area. @param {Export} origin @returns {string}
   */
  function include({ file, name }) {
    const { declarations, imports } = moduleOf(file);
    const { nodes, texts, area } = /** @type {Declaration} */ (declarations.get(name));
    const place = areas.get(area) ?? { texts: new Map(), imports: new Map() };
    areas.set(area, place);
    const there = place.texts.get(name);
    if (there?.file === file) return area;
    if (there !== undefined)
      throw new Error(`${name} is declared in ${file} and in ${there.file}: rename one`);
    place.texts.set(name, { file, text: tightened(texts.join("\n")) });
    for (const mentioned of new Set(nodes.flatMap(namesIn))) {
      const imported = imports.get(mentioned);
      if (declarations.has(mentioned)) include({ file, name: mentioned, type: false });
      else if (imported !== undefined && !imported.from.startsWith("/"))
        note(place, imported.from, mentioned);
      else if (imported !== undefined) {
        const origin = originOf(file, mentioned);
        const other = include(origin);
        const renamed = origin.name === mentioned ? mentioned : `${origin.name} as ${mentioned}`;
        if (other !== area) note(place, `./${other}.js`, renamed);
        else if (renamed !== mentioned) throw new Error(`${file} has another name for ${origin.name}`);
      }
    }
    return area;
  }

  /** @param {[string, Set<string>]} from @returns {string} */
  function importLine([from, names]) {
    const line = `import type { ${[...names].sort().join(", ")} } from "${from}";`;
    const name = /^(@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? "";
    // An import of a package that is not there gives `any` then, instead of an error.
    return Object.hasOwn(optional, name) ? `// @ts-ignore: optional\n${line}` : line;
  }
}

/** @param {{ imports: Map<string, Set<string>> }} place @param {string} from @param {string} name */
function note({ imports }, from, name) {
  imports.set(from, (imports.get(from) ?? new Set()).add(name));
}

/** @param {string} dist @param {string} file @returns {Module} */
function readModule(dist, file) {
  const text = readFileSync(file, "utf8");
  const { program, errors, comments } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  /** @type {Module} */
  const module = { declarations: new Map(), imports: new Map(), exports: new Map(), all: [] };
  /** @param {string} path */
  const target = (path) =>
    path.startsWith(".") ? resolve(dirname(file), path.replace(/\.js$/, ".d.ts")) : path;
  let end = 0;
  for (const node of /** @type {any[]} */ (program.body)) {
    const documentation = comments.findLast(
      (each) => each.start >= end && each.end <= node.start && each.value.startsWith("*"),
    );
    end = node.end;
    if (node.type === "ImportDeclaration") {
      for (const { local, imported } of node.specifiers) {
        module.imports.set(local.name, { from: target(node.source.value), name: imported?.name ?? "*" });
      }
    } else if (node.type === "ExportAllDeclaration") {
      module.all.push({ from: target(node.source.value), type: node.exportKind === "type" });
    } else if (node.type === "ExportDefaultDeclaration") {
      module.exports.set("default", { file, name: node.declaration.name, type: false });
    } else if (node.type === "ExportNamedDeclaration" && node.declaration === null) {
      for (const { local, exported, exportKind } of node.specifiers) {
        const type = node.exportKind === "type" || exportKind === "type";
        const from = node.source === null ? file : target(node.source.value);
        module.exports.set(exported.name, { file: from, name: local.name, type });
      }
    } else {
      const declaration = node.type === "ExportNamedDeclaration" ? node.declaration : node;
      const name = declaration.id?.name ?? declaration.declarations[0].id.name;
      const known = module.declarations.get(name) ?? {
        nodes: [],
        texts: [],
        area: areaOf(relative(dist, file)),
      };
      known.nodes.push(declaration);
      const said =
        documentation === undefined ? "" : `${text.slice(documentation.start, documentation.end)}\n`;
      const code = text.slice(declaration.start, declaration.end).replace(/^declare /, "");
      known.texts.push(`${said}export ${code}`);
      module.declarations.set(name, known);
      if (node !== declaration) module.exports.set(name, { file, name, type: isType(declaration) });
    }
  }
  return module;
}

/**
 * The parts that need a package of their own, and the one that needs none, are files of their own. @param {string} path
 */
function areaOf(path) {
  return /^src\/(defer|service|kysely|opentelemetry|monitor)\//.exec(path)?.[1] ?? "adbapi";
}

/** @param {{ type: string }} declaration */
function isType({ type }) {
  return type === "TSInterfaceDeclaration" || type === "TSTypeAliasDeclaration";
}

/** All that may be a reference. @param {any} node @returns {string[]} */
function namesIn(node) {
  if (node === null || typeof node !== "object") return [];
  if (node.type === "Identifier") return [node.name, ...namesIn(node.typeAnnotation)];
  return Object.entries(node).flatMap(([key, value]) =>
    key === "key" && !node.computed ? [] : namesIn(value),
  );
}

/** Without the margins of comments; tabs for spaces. @param {string} text */
function tightened(text) {
  return text
    .replace(/\/\*\*[\s\S]*?\*\//g, (comment) =>
      comment
        .replace(/^\/\*\*\n\s*\* /, "/** ")
        .replace(/\n\s*\*\/$/, " */")
        .replace(/\n\s*\* ?/g, "\n"),
    )
    .replace(/^(?: {4})+/gm, (indent) => "\t".repeat(indent.length / 4));
}
