/** A pool comes back to `min` connections by itself, however its connections end. */
import { ConnectionPool, type Driver, type DriverConnection, type SessionState } from "adbapi";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { simpleDriver, simpleSession } from "../support/simple-driver.js";

/** Sessions that die when the test says so, and connects that take as long as it says. */
class Sessions {
  readonly dies: (() => void)[] = [];
  hold: Promise<void> = Promise.resolve();
  connects = 0;
  readonly driver: Driver = {
    ...simpleDriver(),
    connect: async (_args, { onLost }) => {
      this.connects++;
      await this.hold;
      return this.#session(onLost);
    },
  };

  #session(onLost: (error: unknown) => void): DriverConnection {
    let state: SessionState = "idle";
    this.dies.push(() => {
      state = "broken";
      onLost(new Error("the session died"));
    });
    return simpleSession({
      get state() {
        return state;
      },
    });
  }
}

async function open(min: number): Promise<{ sessions: Sessions; pool: ConnectionPool }> {
  const sessions = new Sessions();
  const pool = new ConnectionPool(sessions.driver, undefined, { min, max: min });
  onTestFinished(async () => pool.close());
  await pool.start();
  expect(pool.stats.size).toBe(min);
  return { sessions, pool };
}

test("all die at once", async () => {
  const { sessions, pool } = await open(3);
  for (const die of sessions.dies.splice(0)) die();
  await eventually("size", () => pool.stats.size, 3);
  expect(sessions.connects).toBe(6);
});

test("one dies while another's successor is being opened", async () => {
  const { sessions, pool } = await open(2);
  const [first, second] = sessions.dies;
  let go = () => {};
  sessions.hold = new Promise((resolve) => {
    go = resolve;
  });
  first!();
  await eventually("connecting", () => pool.stats.connecting, 1);
  second!();
  await eventually("connecting", () => pool.stats.connecting, 2);
  go();
  await eventually("size", () => pool.stats.size, 2);
  expect(sessions.connects).toBe(4);
});
