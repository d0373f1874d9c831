import { randomBytes } from "node:crypto";

/** Unique, also on a server that several runs share. */
export function databaseName(): string {
  return `adbapi_test_${randomBytes(6).toString("hex")}`;
}
