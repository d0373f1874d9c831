/** What the family's drivers do with a session before it is a connection of the pool's. */

import type { ConnectOptions } from "../../driver.js";
import { speaksUtf8 } from "../arguments/charset.js";
import type { ConnectionSetup } from "../connection-setup.js";
import { connectFailure, whereOf } from "../errors/connect-failure.js";
import { productOf, sentBy } from "../errors/sender.js";
import { FACTS_SQL, type Facts, factsOf } from "../reset.js";
import { OWN } from "../values/result.js";
import { runAside } from "./aside.js";
import { type Connecting, inTime, onAbort } from "./connect-deadline.js";
import { readsAhead } from "./greeting.js";
import { firstRow, type Open, type Opened } from "./opened.js";

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
  const aside = (sql: string) => runAside(open, args, facts.server, sql);
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
