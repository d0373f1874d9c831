/** The five targets, and one body of tests for each of them. */
import { describe, test } from "vitest";
import { mariadbTarget, mysql2Target } from "./mysql-targets.js";
import { pgTarget } from "./postgres-target.js";
import { selectedTargets } from "./selection.js";
import { betterSqlite3Target, nodeSqliteTarget } from "./sqlite-targets.js";
import type { Target } from "./target.js";
import { WORLD } from "./world.js";

export type { Target, TestDatabase } from "./target.js";
export { type PoolOptions, type UsePool, withPool } from "./with-pool.js";

export const ALL_TARGETS: readonly Target[] = [
  pgTarget,
  mysql2Target,
  mariadbTarget,
  betterSqlite3Target,
  nodeSqliteTarget,
];

/** Those that `ADBAPI_TEST_TARGETS` selects, in order. */
export const TARGETS: readonly Target[] = ALL_TARGETS.filter((target) =>
  selectedTargets().includes(target.name),
);

/** Those with a server whose sessions can be killed. */
export const SERVER_TARGETS: readonly Target[] = TARGETS.filter((target) => target.server !== undefined);

/** Those on a file of this process. */
export const FILE_TARGETS: readonly Target[] = TARGETS.filter((target) => target.server === undefined);

/**
 * The same tests for each target: `describeEach(TARGETS, (target) => { test(…) })`. An unavailable one is reported as
 * skipped; that a server is missing has been said loudly once, by the global setup.
 */
export function describeEach(targets: readonly Target[], body: (target: Target) => void): void {
  // A file without a test would be a failure.
  if (targets.length === 0) test.skip(`nothing of this lives in the world ${WORLD.name}`);
  for (const target of targets) {
    const { name, unavailable } = target;
    const title = unavailable === undefined ? name : `${name} (${unavailable})`;
    describe.runIf(unavailable === undefined)(title, () => body(target));
  }
}
