import { inspect } from "node:util";
import {
  ConnectionLost,
  ConnectionPool,
  DeadlockDetected,
  LockNotAvailable,
  OperationalError,
  SerializationFailure,
} from "adbapi";
import mariadb from "adbapi/drivers/mariadb";
import mysql2 from "adbapi/drivers/mysql2";
import { describe, expect, test } from "vitest";

test("a deadlock and a serialization failure are retryable unless their maker says otherwise", () => {
  expect(new DeadlockDetected("a").retryable).toBe(true);
  expect(new SerializationFailure("a", { code: "40001" }).retryable).toBe(true);
  expect(new SerializationFailure("a", { retryable: false }).retryable).toBe(false);
  expect(new OperationalError("a").retryable).toBe(false);
  expect(new LockNotAvailable("a").retryable).toBe(false);
});

test("a lost connection is retryable where nothing of the work lasts", () => {
  for (const outcome of ["not sent", "not applied"] as const) {
    expect(new ConnectionLost("a", { outcome, retryable: false }).retryable).toBe(true);
  }
  for (const outcome of ["applied", "unknown", undefined] as const) {
    expect(new ConnectionLost("a", { ...(outcome && { outcome }), retryable: true }).retryable).toBe(false);
  }
});

test("`retries` heeds the class that an interaction failed with, whoever made the error", async () => {
  await using pool = new ConnectionPool("better-sqlite3", ":memory:");
  for (const Class of [DeadlockDetected, SerializationFailure]) {
    let runs = 0;
    const answer = await pool.runInteraction({ retries: 2 }, () => {
      runs++;
      if (runs < 3) throw new Class("once more");
      return runs;
    });
    expect(answer).toBe(3);
  }
});

describe.each([mysql2, mariadb])(
  "$name: a value in the server's message is hidden, in every language",
  (driver) => {
    test.each([
      [1062, "Duplicate entry 's3cr3t' for key 'name'", "Duplicate entry '…' for key 'name'"],
      [
        1062,
        "Doppelter Eintrag 's3cr3t's' für Schlüssel 'name'",
        "Doppelter Eintrag '…' für Schlüssel 'name'",
      ],
      [1062, "Duplicata du champ 's3cr3t' pour la clef 'name'", "Duplicata du champ '…' pour la clef 'name'"],
      [1292, "Falscher Wert 's3cr3t'", "Falscher Wert '…'"],
      [
        1366,
        "Falscher integer-Wert: 's3'cr3t' für Feld `d`.`t`.`c`",
        "Falscher integer-Wert: '…' für Feld `d`.`t`.`c`",
      ],
      [1146, "Tabelle 'd.t' existiert nicht", "Tabelle 'd.t' existiert nicht"],
      [1062, "no quotes", "no quotes"],
      [1062, "one ' only", "one ' only"],
    ])("%i %s", (errno, sqlMessage, shown) => {
      const message =
        driver === mariadb ? `(conn:1) ${sqlMessage}\nsql: select 'of', 'its', 'own'` : sqlMessage;
      const error = driver.translate(Object.assign(new Error(message), { errno, sqlMessage }));
      expect(error.message).toBe(shown);
      expect(inspect(error)).not.toContain("s3");
    });
  },
);

test("mariadb: an error of the driver's own stays as it is, whatever code of the package it names", () => {
  const lost = new ConnectionLost("ended before", {
    outcome: "not sent",
    code: "ER_SOCKET_UNEXPECTED_CLOSE",
  });
  expect(mariadb.translate(lost)).toBe(lost);
});
