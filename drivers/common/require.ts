import { InterfaceError } from "../../src/errors/classes.js";

/**
 * A driver's package, at once. Looked for from this file, and then from the program, since a bundler may have written
 * down where this file was on the machine that made the bundle. Node.js is asked for `createRequire` in a way that
 * bundlers do not follow: they would put a function in its place that finds nothing.
 */
export function requirePackage(name: string): unknown {
  const { createRequire } = process.getBuiltinModule("node:module");
  try {
    // In a bundle of CommonJS modules there is no URL of this module, and a file name instead.
    return createRequire(import.meta.url ?? __filename)(name);
  } catch (error) {
    const program = process.argv[1];
    if (!isMissing(name, error) || program === undefined) throw error;
    return createRequire(program)(name);
  }
}

/** The packages are optional peer dependencies. `cause` is what the attempt to load one failed with. */
export function packageMissing(name: string, cause: unknown): InterfaceError {
  if (isMissing(name, cause)) {
    return new InterfaceError(`the driver "${name}" needs its package: npm install ${name}`, { cause });
  }
  const [why] = String((cause as Error).message).split("\n", 1);
  return new InterfaceError(
    `the package ${name} could not be loaded: ${why}. In a bundle, leave adbapi and ${name} external (docs/bundling.md)`,
    { cause },
  );
}

/** Whether it is this package that was not found, and not a part of it, or what it needs in turn. */
function isMissing(name: string, error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") return false;
  const said = /^Cannot find (?:module|package) '([^']*)'/.exec(message)?.[1];
  return said === undefined || said === name || said.startsWith(`${name}/`);
}

/** `does` says what the first version that is good enough does. */
export function packageTooOld(name: string, first: string, does: string): InterfaceError {
  return new InterfaceError(
    `the driver "${name}" needs the package ${name} ${first} or newer, which ${does}; an older one is installed: npm install ${name}@^${first}`,
  );
}
