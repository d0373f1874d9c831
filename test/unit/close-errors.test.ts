/** What goes wrong while connections are closed is logged, and nobody is made to wait for it. */
import { ConnectionPool, type Driver } from "adbapi";
import { expect, test } from "vitest";
import { simpleDriver } from "../support/simple-driver.js";

/** A database that does all that it is asked for, but cannot say goodbye. */
function rudeDriver(close: () => Promise<void>): Driver & { readonly destroyed: () => number } {
  let destroyed = 0;
  const driver = simpleDriver(() => ({ close, destroy: () => void destroyed++ }));
  return { ...driver, destroyed: () => destroyed };
}

test("a close that fails is logged, the connection destroyed, and close() fires all the same", async () => {
  const driver = rudeDriver(() => Promise.reject(new Error("no goodbye")));
  const logged: string[] = [];
  const error = (message: string) => void logged.push(message);
  const logger = { debug() {}, info() {}, warn() {}, error };
  const pool = new ConnectionPool(driver, undefined, { min: 2, max: 2, logger });
  await pool.start();
  await pool.close();
  expect(logged).toHaveLength(2);
  for (const line of logged) expect(line).toContain("no goodbye");
  expect(driver.destroyed()).toBe(2);
  expect(pool.stats.size).toBe(0);
});

test("a logger that throws changes nothing", async () => {
  const throws = () => {
    throw new Error("the disk is full");
  };
  const logger = { debug: throws, info: throws, warn: throws, error: throws };
  const driver = rudeDriver(() => Promise.reject(new Error("no goodbye")));
  const pool = new ConnectionPool(driver, undefined, { max: 1, logger, noisy: true });
  expect(await pool.runQuery("select 1")).toEqual([]);
  await pool.close();
  expect(driver.destroyed()).toBe(1);
});
