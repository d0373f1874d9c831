/** What the family's drivers do with a session before it is a connection of the pool's, or beside one. */
import type { Socket } from "node:net";
import { OperationalError } from "../../src/errors/classes.js";
import type { ConnectOptions } from "../driver.js";
import { speaksUtf8 } from "./arguments/charset.js";
import { type Connecting, inTime, onAbort } from "./connect-deadline.js";
import type { ConnectionSetup } from "./connection-setup.js";
import { connectFailure, whereOf } from "./errors/connect-failure.js";
import { type Product, productOf, sentBy } from "./errors/sender.js";
import type { Faults } from "./faults.js";
import { type Greeting, readsAhead } from "./greeting.js";
import { FACTS_SQL, type Facts, factsOf, SERVER_SQL, textOf } from "./reset.js";
import { OWN } from "./values/result.js";

/** What of a package's session is needed here. */
export interface Opened {
  readonly native: {
    query(options: { sql: string } & typeof OWN, callback: (error: unknown, rows?: unknown) => void): unknown;
    execute(
      options: { sql: string } & typeof OWN,
      values: string[],
      callback: (error: unknown, rows?: unknown) => void,
    ): unknown;
  };
  readonly socket: Socket;
  /** What the other end said first. */
  readonly greeting: Greeting;
  readonly faults: Faults;
  /** Whose names the package has for numbers of errors. */
  readonly names: Product;
}

/** Fires once the session is there; an abort or a failure leaves nothing open. */
export type Open<Args, O extends Opened> = (args: Args, signal: AbortSignal) => Promise<O>;

/** Longest that a KILL may take, with its own connection. */
const CONTROL_MILLIS = 10_000;

/** How often another connection is opened, until one leads to the server of the session. */
const ATTEMPTS = 4;

/** A session that is ready for work, and what its connection must know of it. */
export async function begin<Args extends Connecting, O extends Opened>(
  open: Open<Args, O>,
  args: Args,
  { signal, onLost, settings }: ConnectOptions,
): Promise<{ readonly opened: O; readonly setup: ConnectionSetup }> {
  const { opened, facts } = await inTime(args, signal, async (limit) => {
    const opened = await open(args, limit);
    const facts = await factsOfNew(opened, limit).catch((error: unknown) => {
      const product = productOf(opened.greeting.version);
      throw limit.aborted
        ? limit.reason
        : connectFailure(whereOf(args), sentBy(error, product, opened.names));
    });
    return { opened, facts };
  });
  const aside = async (sql: string) => {
    const limit = new AbortController();
    const late = () => limit.abort(new Error(`no answer in ${CONTROL_MILLIS} ms`));
    const timer = setTimeout(late, CONTROL_MILLIS).unref();
    try {
      // Behind one address there may be several servers, and each has sessions of the same numbers.
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const other = await inTime(args, limit.signal, (signal) => open(args, signal));
        const [server] = await firstRow(other, SERVER_SQL, limit.signal);
        const same = textOf(server) === facts.server;
        if (same) await firstRow(other, sql, limit.signal);
        other.socket.destroy();
        if (same) return;
      }
    } finally {
      clearTimeout(timer);
    }
    throw new OperationalError("the server of the session was not reached again");
  };
  const pipeline = readsAhead(opened.greeting, facts) ? undefined : 1;
  const most = settings.pipeline;
  return { opened, setup: { facts, pipeline, most, onLost, aside, faults: opened.faults } };
}

async function factsOfNew(opened: Opened, signal: AbortSignal): Promise<Facts> {
  const facts = await factsInUtf8(opened, signal);
  if (opened.greeting.collation === facts.collation) return facts;
  // `init_connect` or the connect arguments have changed the session's collation, and that of params may be another.
  const paramCollation = await collationOfParams(opened, signal);
  // To mariadb a session is in a transaction after any error, until another answer says that it is not.
  if (paramCollation === undefined) await firstRow(opened, "DO 0", signal);
  return { ...facts, paramCollation: paramCollation ?? facts.collation };
}

/** Undefined where statements cannot be prepared. */
function collationOfParams({ native, socket }: Opened, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, (reason) => {
      socket.destroy();
      reject(reason);
    });
    native.execute({ sql: "SELECT COLLATION(?)", ...OWN }, ["x"], (error, rows) => {
      stop();
      resolve(error ? undefined : String((rows as unknown[][])[0]![0]));
    });
  });
}

/**
 * A server may have given the session another character set than it was asked for (`init_connect`): texts would be
 * changed on their way.
 */
async function factsInUtf8(opened: Opened, signal: AbortSignal): Promise<Facts> {
  const ask = async () => factsOf(await firstRow(opened, FACTS_SQL, signal));
  const facts = await ask();
  if (speaksUtf8(facts)) return facts;
  await firstRow(opened, "SET NAMES utf8mb4", signal);
  const now = await ask();
  if (speaksUtf8(now)) return now;
  opened.socket.destroy();
  throw new Error(
    `the session's character set is ${now.client}, and the server does not change it to utf8mb4`,
  );
}

/** The first row of a statement, as an array; an abort ends the session. */
function firstRow({ native, socket }: Opened, sql: string, signal: AbortSignal): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, (reason) => {
      socket.destroy();
      reject(reason);
    });
    if (signal.aborted) return;
    native.query({ sql, ...OWN }, (error, rows) => {
      stop();
      if (!error) return resolve(Array.isArray(rows) ? (rows[0] as unknown[]) : []);
      socket.destroy();
      reject(error);
    });
  });
}
