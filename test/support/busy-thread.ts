import { eventually } from "./eventually.js";

/** Fires once a thread of this process is inside something long: the processor is used while this thread sleeps. */
export async function untilThreadWorks(): Promise<void> {
  const before = process.cpuUsage();
  await eventually("a thread works", () => process.cpuUsage(before).user > 60_000, true);
}
