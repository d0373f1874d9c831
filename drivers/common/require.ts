import { createRequire } from "node:module";
import { InterfaceError } from "../../src/errors/classes.js";

/**
 * A driver's package, at once. In a bundle of CommonJS modules there is no URL of this module, and a file name instead.
 */
export function requirePackage(name: string): unknown {
  return createRequire(import.meta.url ?? __filename)(name);
}

/** The packages are optional peer dependencies. */
export function packageMissing(name: string, cause: unknown): InterfaceError {
  return new InterfaceError(`the driver "${name}" needs its package: npm install ${name}`, { cause });
}

/** `does` says what the first version that is good enough does. */
export function packageTooOld(name: string, first: string, does: string): InterfaceError {
  return new InterfaceError(
    `the driver "${name}" needs the package ${name} ${first} or newer, which ${does}; an older one is installed: npm install ${name}@^${first}`,
  );
}
