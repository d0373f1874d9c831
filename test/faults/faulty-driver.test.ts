/** A driver of the user's own that breaks its contract: the caller hears of it, and the pool lives. */
import {
  AdbapiError,
  ConnectionPool,
  DataError,
  InterfaceError,
  InternalError,
  registerDriver,
} from "adbapi";
import { describe, expect, it } from "vitest";

import type { Driver, DriverConnection } from "../../drivers/driver.js";
import { answer, simpleDriver } from "../support/simple-driver.js";
import { quiet } from "../support/with-scripted.js";

type Faulty = Partial<Record<keyof Driver | keyof DriverConnection, unknown>>;

const fine = answer({ x: 1 });

function driverWith(fault: Faulty): Driver {
  return simpleDriver(() => ({ execute: async () => fine, ...fault }), {
    name: "faulty",
    translate: (error: Error) => new DataError(error.message, { cause: error }),
    ...fault,
  });
}

async function failureOf(fault: Faulty, options?: { timeoutMillis: number }): Promise<unknown> {
  await using pool = new ConnectionPool(driverWith(fault), [], { logger: quiet });
  return await pool.runQuery("select 1", [], options).then(
    (rows) => expect.fail(`it gave ${JSON.stringify(rows)}`),
    (error) => error,
  );
}

describe("execute", () => {
  const boom = () => {
    throw new Error("boom");
  };

  it("throws: as if it had rejected", async () => {
    const error = await failureOf({ execute: boom });
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ message: "boom", sql: "select 1" });
  });

  it("fires with something that is no Result", async () => {
    for (const result of [undefined, null, {}, { rows: null }]) {
      expect(await failureOf({ execute: async () => result })).toBeInstanceOf(InternalError);
    }
  });

  it("gives no promise: its answer counts", async () => {
    await using pool = new ConnectionPool(driverWith({ execute: () => fine }), []);
    expect(await pool.runQuery("select 1")).toEqual([{ x: 1 }]);
  });

  it("fails, and translate throws, or gives no error of the tree: an InternalError with the cause", async () => {
    const translates = [boom, () => undefined, () => new Error("not of the tree")];
    for (const translate of translates) {
      const cause = new Error("the database's own");
      const error = await failureOf({ execute: () => Promise.reject(cause), translate });
      expect(error).toBeInstanceOf(InternalError);
      expect(error).toMatchObject({ cause });
    }
  });

  it("fails, and translate gives a frozen error: that error", async () => {
    const frozen = Object.freeze(new DataError("frozen"));
    expect(await failureOf({ execute: boom, translate: () => frozen })).toBe(frozen);
  });
});

it("cancel throws: the session is destroyed, and the statement ends with that", async () => {
  let stop: (error: Error) => void = () => {};
  const fault = {
    execute: () => new Promise((_, reject) => (stop = reject)),
    cancel: () => {
      throw new Error("no cancel today");
    },
    destroy: () => stop(new Error("destroyed")),
  };
  expect(await failureOf(fault, { timeoutMillis: 20 })).toBeInstanceOf(AdbapiError);
});

it("connect gives no connection: the error names what it lacks", async () => {
  for (const rubbish of [undefined, null, 5, {}]) {
    const error = await failureOf({ connect: async () => rubbish });
    expect(error).toBeInstanceOf(InterfaceError);
    expect(error).toMatchObject({ message: expect.stringMatching(/"faulty".*execute.*destroy/) });
  }
});

it("registerDriver refuses what is no driver", () => {
  for (const rubbish of [undefined, null, 5, "pg", {}]) {
    expect(() => registerDriver(rubbish as unknown as Driver)).toThrow(InterfaceError);
  }
});
