import type { Report } from "./report.js";

/** The same as on the page, as text to paste into a ticket. */
export function snapshotText(report: Omit<Report, "perSecond" | "latency">): string {
  const { at, pool, database, connections, waiting, running, slowest, errors } = report;
  const { system, address = "", port = "", namespace = "" } = database;
  return [
    `pool ${pool} (${[system, address, port, namespace].filter((part) => part !== "").join(" ")}) at ${new Date(at).toISOString()}`,
    `in use ${connections.inUse} of ${connections.max}, idle ${connections.idle}, connecting ${connections.connecting}, waiting ${waiting}`,
    "",
    "Now:",
    ...running.map(
      ({ state, millis, sql, callSite = "its line of code was not taken" }) =>
        `  ${state} ${Math.round(millis)} ms: ${sql}\n    ${callSite}`,
    ),
    "",
    "Slowest at the database, ms (runs, mean, mean wait, longest):",
    ...slowest.map(
      ({ sql, count, mean, meanWaited, max }) =>
        `  ${count}, ${mean.toFixed(1)}, ${meanWaited.toFixed(1)}, ${max.toFixed(1)}: ${sql}`,
    ),
    "",
    "Last errors:",
    ...errors.map(
      ({ at, name, code = "", message, sql = "" }) =>
        `  ${new Date(at).toISOString()} ${name} ${code}: ${message}\n    ${sql}`,
    ),
    "",
  ].join("\n");
}
