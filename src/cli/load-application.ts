import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import type { Startable } from "../service/index.js";
import { CommandError } from "./command-error.js";

/** Imports a file and gives its default export, if that is an application; else a `CommandError` says what to mend. */
export async function loadApplication(file: string): Promise<Startable> {
  const { default: application } = await importFile(file);
  if (application === undefined) {
    throw new CommandError(`${file} has no default export: end it with \`export default application\``);
  }
  if (!isStartable(application)) {
    throw new CommandError(
      `The default export of ${file} is no service: expected an object with startService and stopService, ` +
        `such as a MultiService, not ${inspect(application, { depth: 0 })}`,
    );
  }
  return application;
}

const NEEDS_TRANSLATION: ReadonlySet<string | undefined> = new Set([
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX",
]);

const NO_MODULE: ReadonlySet<string | undefined> = new Set([
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_IMPORT_ASSERTION_TYPE_MISSING",
  "ERR_IMPORT_ATTRIBUTE_MISSING",
]);

async function importFile(file: string): Promise<{ readonly default?: unknown }> {
  const url = pathToFileURL(resolve(file)).href;
  // Nothing is left that could settle the import.
  const unsettled = () => {
    console.error(`adbapi: ${file} waits at its top level for what never comes`);
    process.exit(2);
  };
  process.once("beforeExit", unsettled);
  try {
    return await import(url);
  } catch (error) {
    const { code, url: missing } = Object(error) as { code?: string; url?: string };
    if (code === "ERR_MODULE_NOT_FOUND" && missing === url)
      throw new CommandError(`there is no file ${resolve(file)}`);
    if (code === "ERR_UNSUPPORTED_DIR_IMPORT")
      throw new CommandError(`${resolve(file)} is a directory, not a file`);
    if (/\.[mc]?ts$/.test(file) && NEEDS_TRANSLATION.has(code)) {
      throw new CommandError(
        `This Node.js cannot import ${file} as it is. For TypeScript: \`node --import tsx node_modules/.bin/adbapi run ${file}\``,
      );
    }
    if (NO_MODULE.has(code)) throw new CommandError(`${file} is no JavaScript module`);
    // Node.js keeps the place of a syntax error to itself.
    const hint = error instanceof SyntaxError ? `\nWhere in a file: node --check ${file}` : "";
    throw new CommandError(`${file} failed while it was imported:\n${inspect(error)}${hint}`);
  } finally {
    process.off("beforeExit", unsettled);
  }
}

function isStartable(value: unknown): value is Startable {
  const { startService, stopService } = Object(value) as Partial<Startable>;
  return typeof startService === "function" && typeof stopService === "function";
}
