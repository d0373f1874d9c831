import { createRequire } from "node:module";

/** A driver's package, at once. In a bundle of CommonJS modules there is no URL of this module, and a file name instead. */
export function requirePackage(name: string): unknown {
  return createRequire(import.meta.url ?? __filename)(name);
}
