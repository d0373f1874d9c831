import { defineConfig } from "vitest/config";

/** What needs no server, so that such a file alone starts none. */
const UNIT = ["test/unit/**/*.test.ts", "test/blocking/**/*.test.ts", "test/types/**/*.test.ts"];

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 3, // of two processors: tests wait for servers, for locks and for time to pass
    // The build is loaded as users load it, by Node.js itself: that takes half of the time of Vite's own loader.
    server: { deps: { external: [/\/dist\/(src|drivers)\//] } },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Servers that are killed, on machines that others use: a test that failed once and passes is reported as flaky, not as failed.
    retry: process.env.CI === undefined ? 0 : 1,
    projects: [
      { extends: true, test: { name: "unit", include: UNIT } },
      {
        extends: true,
        test: {
          name: "servers",
          include: ["test/**/*.test.ts"],
          exclude: UNIT,
          globalSetup: "test/support/global-setup.ts",
        },
      },
    ],
  },
});
