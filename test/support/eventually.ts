import { setTimeout as sleep } from "node:timers/promises";

/** Asks until the answer is the one expected: for what becomes true a moment later. Fails with the last answer. */
export async function eventually<T>(
  what: string,
  ask: () => T | Promise<T>,
  expected: T,
  timeoutMillis = 20_000,
) {
  const deadline = Date.now() + timeoutMillis;
  for (;;) {
    const answer = await ask();
    if (answer === expected) return;
    if (Date.now() > deadline) throw new Error(`${what}: still ${answer}, expected ${expected}`);
    await sleep(10);
  }
}
