/**
 * What each database makes of values, as named facts: what a test of params needs beyond the facts of
 * `support/target.ts`.
 */
import type { Target } from "../support/target.js";

export interface ValueFacts {
  /** Gives its one param back as `v`. */
  echo(type: "text" | "bytes" | "integer" | "float" | "boolean" | "timestamp"): string;
  readonly hasNaN: boolean;
  readonly hasBooleans: boolean;
  /** Whether an array, and an object as JSON, can be bound. */
  readonly hasArrays: boolean;
  /** Whether text may hold NUL. */
  readonly hasNul: boolean;
  /** Gives its one param back as `v`, whatever its size; undefined where no integer beyond 64 bits can be bound. */
  readonly hugeNumber: string | undefined;
  readonly mostParams: number;
  /** Within what the server takes by default. */
  readonly largeBlob: number;
}

import { WORLD } from "../support/world.js";

const MEGABYTE = 1024 * 1024;

const pg: ValueFacts = {
  echo(type) {
    const names = { bytes: "bytea", integer: "int8", float: "float8", timestamp: "timestamptz" };
    return `select $1::${type in names ? names[type as keyof typeof names] : type} as v`;
  },
  hasNaN: true,
  hasBooleans: true,
  hasArrays: true,
  hasNul: false,
  hugeNumber: "select $1::numeric as v",
  mostParams: 65_535,
  largeBlob: 64 * MEGABYTE,
};

const mysql: ValueFacts = {
  echo: (type) => (type === "integer" ? "select cast(? as signed) as v" : "select ? as v"),
  hasNaN: false,
  hasBooleans: true,
  hasArrays: false,
  hasNul: true,
  hugeNumber: undefined,
  mostParams: 65_535,
  largeBlob: Math.min(8 * MEGABYTE, Number(WORLD.mysql.max_allowed_packet ?? Infinity) / 2),
};

const sqlite: ValueFacts = {
  echo: () => "select ? as v",
  hasNaN: false,
  hasBooleans: false,
  hasArrays: false,
  hasNul: true,
  hugeNumber: undefined,
  mostParams: 32_766,
  largeBlob: 64 * MEGABYTE,
};

const FACTS: Readonly<Record<Target["name"], ValueFacts>> = {
  pg,
  mysql2: mysql,
  mariadb: mysql,
  "better-sqlite3": sqlite,
  "node:sqlite": sqlite,
};

export function valueFacts(target: Target): ValueFacts {
  return FACTS[target.name];
}
