import { defineConfig } from "vitest/config";
import { selectedTargets, type TargetName } from "./test/support/selection.js";

/** What needs no server, so that such a file alone starts none. */
const UNIT = ["test/unit/**/*.test.ts", "test/blocking/**/*.test.ts", "test/types/**/*.test.ts"];

/** What is about some of the targets, so that a run without these does not load it. */
const FAMILIES: Readonly<Record<string, readonly TargetName[]>> = {
  "test/integration/pg/**": ["pg"],
  "test/integration/mysql-family/**": ["mysql2", "mariadb"],
  "test/integration/sqlite/**": ["better-sqlite3", "node:sqlite"],
};
const ABSENT = Object.entries(FAMILIES)
  .filter(([, targets]) => !targets.some((target) => selectedTargets().includes(target)))
  .map(([files]) => files);

/** Other runtimes are installed from the registry: only where they are asked for. */
const RUNTIMES = "test/runtimes/**";
const NOT_ASKED = process.argv.some((argument) => argument.startsWith("test/runtimes")) ? [] : [RUNTIMES];

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 3, // of two processors: tests wait for servers, for locks and for time to pass
    // The build is loaded as users load it, by Node.js itself: that takes half of the time of Vite's own loader.
    server: { deps: { external: [/\/dist\/(src|drivers)\//] } },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000, interval: 10 } }, // as `eventually` has it
    // Servers that are killed, on machines that others use: a test that failed once and passes is reported as flaky, not as failed.
    retry: process.env.CI === undefined ? 0 : 1,
    projects: [
      { extends: true, test: { name: "unit", include: UNIT } },
      {
        extends: true,
        test: {
          name: "servers",
          include: ["test/**/*.test.ts"],
          exclude: [...UNIT, ...ABSENT, ...NOT_ASKED],
          globalSetup: "test/support/global-setup.ts",
        },
      },
    ],
  },
});
