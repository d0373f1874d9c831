// Prints "N passed, N failed" of vitest's JSON report: node .ci/summary.js REPORT FAILED_STEPS
import { existsSync, readFileSync } from "node:fs";

const [file, failedSteps] = process.argv.slice(2);
const counts = existsSync(file)
  ? read(JSON.parse(readFileSync(file, "utf8")))
  : { passed: 0, failed: 0, skipped: 0 };

let failed = counts.failed + Number(failedSteps);
if (failed === 0 && !counts.success) failed = 1; // no report, or an error outside of any test
console.log(
  `${counts.passed} passed, ${failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`,
);
process.exitCode = failed === 0 ? 0 : 1;

function read(report) {
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
