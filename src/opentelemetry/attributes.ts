/** Attributes by the semantic conventions for database clients, stable ones where there are any. */
import type { Attributes } from "@opentelemetry/api";
import type { DatabaseName } from "../../drivers/driver.js";
import type { TracedPool } from "../diagnostics/channels.js";
import { AdbapiError, ConnectionLost } from "../errors/classes.js";

/** @see https://opentelemetry.io/docs/specs/semconv/db/database-spans/ */
export function databaseAttributes({ system, namespace, address, port }: DatabaseName): Attributes {
  return {
    "db.system.name": system,
    ...(namespace !== undefined && { "db.namespace": namespace }),
    ...(address !== undefined && { "server.address": address }),
    ...(port !== undefined && { "server.port": port }),
  };
}

export function poolAttributes({ name }: TracedPool): Attributes {
  return { "db.client.connection.pool.name": name };
}

/** `error.type` is the database's code, else the code of whatever else failed, else the error's class. */
export function errorAttributes(error: unknown): Attributes {
  const status = statusCode(error);
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  const type = status ?? (typeof code === "string" ? code : name);
  return {
    "error.type": typeof type === "string" ? type : "_OTHER",
    ...(status !== undefined && { "db.response.status_code": status }),
  };
}

/** What the database itself said: MySQL's number, PostgreSQL's SQLSTATE, SQLite's name. */
function statusCode(error: unknown): string | undefined {
  if (!(error instanceof AdbapiError) || error instanceof ConnectionLost) return undefined;
  const { errno, syscall } = Object(error.cause) as { errno?: unknown; syscall?: unknown };
  if (syscall !== undefined) return undefined;
  return typeof errno === "number" && errno > 0 ? String(errno) : (error.sqlState ?? error.code);
}
