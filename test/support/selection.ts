/** Which targets `ADBAPI_TEST_TARGETS` selects, and the servers that they need. */
import type { ServerKind } from "./recipe.js";
import { WORLD } from "./world.js";

export type TargetName = "pg" | "mysql2" | "mariadb" | "better-sqlite3" | "node:sqlite";

export const TARGET_NAMES: readonly TargetName[] = [
  "pg",
  "mysql2",
  "mariadb",
  "better-sqlite3",
  "node:sqlite",
];

/** The server behind each target; the SQLite targets have none. */
export const SERVER_OF: Partial<Readonly<Record<TargetName, ServerKind>>> = {
  pg: "postgres",
  mysql2: "mysql",
  mariadb: "mariadb",
};

/** Those that live in the world, or of them those of `ADBAPI_TEST_TARGETS=pg,better-sqlite3`. */
export function selectedTargets(): readonly TargetName[] {
  const selection = process.env.ADBAPI_TEST_TARGETS?.split(",").map((name) => name.trim());
  if (selection === undefined) return WORLD.targets;
  const unknown = selection.filter((name) => !TARGET_NAMES.some((target) => target === name));
  if (unknown.length > 0) {
    throw new Error(`ADBAPI_TEST_TARGETS names ${unknown.join(", ")}; there are ${TARGET_NAMES.join(", ")}`);
  }
  return WORLD.targets.filter((name) => selection.includes(name));
}

/** Redis belongs to no target, so a selection of targets goes without it. */
export function selectedKinds(): readonly ServerKind[] {
  const kinds = selectedTargets().flatMap((name) => SERVER_OF[name] ?? []);
  return process.env.ADBAPI_TEST_TARGETS === undefined ? [...kinds, "redis"] : kinds;
}
