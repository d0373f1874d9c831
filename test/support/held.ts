const ATTEMPTS = 20;

/**
 * Whether the call holds its thread for no longer than that: by the processor's time, the best of some attempts,
 * whatever else runs beside.
 */
export function withinMillis(millis: number, call: () => unknown): boolean {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = process.cpuUsage();
    call();
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1_000 < millis) return true;
  }
  return false;
}
