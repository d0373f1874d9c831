import { findProgram } from "./programs.js";

/** The browser that shows pages to the tests; without one they are left out. */
export const CHROMIUM =
  process.env.CHROMIUM ??
  ["chromium", "chromium-browser", "google-chrome"].map((name) => findProgram(name)).find(Boolean);

if (CHROMIUM === undefined) {
  console.error(
    "\n*** SKIPPED: the tests in a browser need Chromium: apt-get install chromium, or its path in CHROMIUM ***\n",
  );
}
