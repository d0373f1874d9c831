import { ConnectionPool, PoolClosed } from "adbapi";
import { MultiService, poolService, Service } from "adbapi/service";
import { expect, test } from "vitest";

test("opens the pool before what comes after it, and closes it when that has stopped", async () => {
  const pool = new ConnectionPool("better-sqlite3", ":memory:", { name: "orders" });
  const application = new MultiService();
  application.addService(poolService(pool));
  class Last extends Service {
    override async startService() {
      super.startService();
      expect(pool.stats.size).toBe(1);
    }
    override async stopService() {
      super.stopService();
      expect(await pool.runQuery("select 1 as one")).toEqual([{ one: 1 }]);
    }
  }
  application.addService(new Last());
  expect(application.getServiceNamed("orders").running).toBe(false);
  await application.startService();
  await application.stopService();
  expect(pool.closed).toBe(true);
  await expect(application.startService()).rejects.toThrow(PoolClosed);
});

test("running work is finished first, and cancelled past timeoutMillis", async () => {
  const long =
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) select max(i) as last from n";
  const patient = new ConnectionPool("better-sqlite3", ":memory:", { name: "patient" });
  const hasty = new ConnectionPool("better-sqlite3", ":memory:", { name: "hasty" });
  const application = new MultiService();
  application.addService(poolService(patient));
  application.addService(poolService(hasty, { timeoutMillis: 10 }));
  await application.startService();
  const finished = patient.runQuery(long, [1_000_000]).toPromise();
  const cancelled = expect(hasty.runQuery(long, [5_000_000])).rejects.toThrow(Error);
  await application.stopService();
  await cancelled;
  expect(await finished).toEqual([{ last: 1_000_000 }]);
  expect([patient.closed, hasty.closed]).toEqual([true, true]);
});

test("a pool that cannot be opened fails the start, and is closed", async () => {
  const pool = new ConnectionPool("better-sqlite3", "/no/such/directory/at/all.db", { logger: silent });
  const application = new MultiService();
  application.addService(poolService(pool));
  await expect(application.startService()).rejects.toThrow(/directory/);
  expect(pool.closed).toBe(true);
  expect(application.running).toBe(false);
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };
