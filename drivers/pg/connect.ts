/** Opens sessions. */
import type { Client, ClientConfig } from "pg";
import { AdbapiError, InterfaceError, OperationalError } from "../../src/errors/classes.js";
import { longestTimer } from "../../src/options/option-checks.js";
import { hideValues } from "../../src/redact/redact.js";
import { merged } from "../common/arguments.js";
import { packageMissing } from "../common/require.js";
import type { ConnectOptions } from "../driver.js";
import { PgConnection } from "./connection.js";
import { factsOf } from "./errors.js";
import { adopt } from "./execution.js";
import { withExactDates } from "./values/dates.js";
import type { PrepareValue } from "./values/encode.js";

export async function connect(args: readonly unknown[], options: ConnectOptions): Promise<PgConnection> {
  const pg = await load();
  const { signal, settings } = options;
  const defaults = {
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    fallback_application_name: settings.name,
  };
  const config = merged<ClientConfig>(defaults, (args[0] ?? {}) as ClientConfig);
  // pg hands it to a timer, to which more is one millisecond.
  const connectionTimeoutMillis = Math.min(config.connectionTimeoutMillis ?? 0, longestTimer);
  const client = construct(
    pg.Client,
    merged(config, { connectionTimeoutMillis, pipeline: settings.pipeline > 1 }),
  );
  const prepareValue = withExactDates(pg.utils.prepareValue, pg.defaults);
  const connection = new PgConnection(client, config, options, prepareValue);
  const abort = () => connection.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    await connection.open();
    return connection;
  } catch (error) {
    connection.destroy();
    throw refused(client, error, signal);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What pg exports without its types saying so. */
interface Internals {
  readonly utils: { readonly prepareValue: PrepareValue };
}

async function load(): Promise<typeof import("pg") & Internals> {
  try {
    const { default: pg } = (await import("pg")) as unknown as { default: typeof import("pg") & Internals };
    adopt(pg.Query);
    return pg;
  } catch (error) {
    throw packageMissing("pg", error);
  }
}

/** pg refuses some settings by plain errors. */
function construct(PgClient: typeof Client, config: ClientConfig): Client {
  try {
    return new PgClient(config);
  } catch (error) {
    if (error instanceof AdbapiError) throw error;
    throw new InterfaceError(`pg refuses its connect argument: ${factsOf(error).message}`, { cause: error });
  }
}

/** Says where it was to go, and as whom. */
function refused(client: Client, error: unknown, signal: AbortSignal): AdbapiError {
  if (error instanceof AdbapiError) return error;
  hideValues(error);
  const { host, port, database, user } = client;
  const where = host.startsWith("/") ? `${host}/.s.PGSQL.${port}` : `${host}:${port}`;
  const { message, code, severity } = factsOf(error);
  const reason = signal.aborted ? "given up" : message;
  return new OperationalError(
    `cannot connect to PostgreSQL at ${where}, database ${JSON.stringify(database)}, user ${JSON.stringify(user)}: ${reason}`,
    { cause: error, code, sqlState: severity === undefined ? undefined : code },
  );
}
