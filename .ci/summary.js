// Prints "N passed, N failed" of vitest's JSON reports together: node .ci/summary.js FAILED_STEPS REPORT...
import { existsSync, readFileSync } from "node:fs";

const [failedSteps, ...files] = process.argv.slice(2);
const counts = files.map(read);
const sum = (what) => counts.reduce((total, count) => total + count[what], 0);

let failed = sum("failed") + Number(failedSteps);
if (failed === 0 && !counts.every(({ success }) => success)) failed = 1; // no report, or an error outside of any test
const skipped = sum("skipped");
console.log(`${sum("passed")} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed === 0 ? 0 : 1;

function read(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0, success: false };
  const report = JSON.parse(readFileSync(file, "utf8"));
  // A file that could not even be loaded has no tests to count.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
    success: report.success,
  };
}
