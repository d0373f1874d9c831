/**
 * One text with many lists of params, sent ahead of the answers. A server of the family goes on behind a failure: what
 * it did there is undone by a savepoint, and the lists run again, in halves, up to the one that fails. So what is left
 * is the same as one by one.
 */
import { ConnectionLost } from "../../src/errors/classes.js";
import type { Params } from "../driver.js";
import { isInterrupted, isPassing, unknownStatement } from "./errors/conditions.js";
import type { ServerError } from "./errors/server-error.js";

/** One command on its way to the server, with one list or several. */
export interface Step {
  readonly lists: readonly Params[];
  /** About, for the memory that waits in the socket. */
  readonly bytes: number;
  /** Sends it at once, and fires with the rows affected. */
  run(): Promise<number>;
}

/** What of a session is needed here. */
export interface ManySession {
  readonly sql: string;
  /** Its lists as commands, in order. */
  steps(lists: readonly Params[]): Iterable<Step>;
  /**
   * Asks the server what the steps of these lists depend on. The first list is in the table by then: until the
   * transaction ends no other session changes its columns.
   */
  look?: ((lists: readonly Params[]) => Promise<void>) | undefined;
  /** One list, as any statement. */
  one(params: Params): Promise<number>;
  /** A statement of the library's own; fires with its rows. A cancel may hit it where it is a `part`. */
  command(sql: string, part?: "part"): Promise<readonly unknown[]>;
  /** What the server calls the default of the session's next transactions. */
  readonly readOnly: string;
  /** Whether what the statement does can be undone, as far as its first list has told. */
  undoable(): boolean;
  setUndoable(): void;
  /** Has the server do this, ahead of what is sent next, whether or not it can. */
  tell(sql: string): void;
  /** The same, of `refusing(readOnly)`. */
  refuseWrites(): void;
  /** Most commands under way without an answer. */
  readonly most: number;
  /** Whether nothing more is to be sent. */
  givenUp(): boolean;
  /** Ends the session: it may refuse writes, or hold what should be undone. */
  destroy(): void;
}

/** Most that is under way without an answer. */
const MOST_BYTES = 1 << 21;

const SAVEPOINT = "SAVEPOINT adbapi_many";
const UNDO = "ROLLBACK TO SAVEPOINT adbapi_many";
const WARNINGS = "SHOW WARNINGS";
/** Some tables that have no transactions could not be rolled back. */
const ER_WARNING_NOT_COMPLETE_ROLLBACK = 1196;
const ATTEMPTS = 3;

/** What a server calls the default of the session's next transactions. */
export function readOnlyOf(version: string): string {
  return /mariadb/i.test(version) ? "tx_read_only" : "transaction_read_only";
}

/** The statement that has the server refuse to write, once the transaction that is open is over. */
export function refusing(readOnly: string): string {
  return `SET @@SESSION.${readOnly} = 1`;
}

/** Fires with the sum of the rows affected. */
export async function sendAhead(session: ManySession, lists: readonly Params[]): Promise<number> {
  if (session.undoable()) return restAhead(session, lists);
  const { rowCount, undoable } = await first(session, lists[0]!);
  if (undoable) session.setUndoable();
  return rowCount + (await (undoable ? restAhead : oneByOne)(session, lists.slice(1)));
}

async function restAhead(session: ManySession, lists: readonly Params[]): Promise<number> {
  await session.look?.(lists);
  return inWindows(session, lists);
}

/** One list, and whether it could be undone. All of this is one round trip. */
async function first(session: ManySession, list: Params) {
  const [step] = session.steps([list]);
  const [run, savepoint, undone, warnings] = await Promise.allSettled([
    step!.run(),
    session.command(SAVEPOINT),
    session.command(UNDO),
    session.command(WARNINGS),
  ]);
  if (run.status === "rejected") {
    if (!unknownStatement(run.reason as ServerError, session.sql)) throw run.reason;
    return { rowCount: await session.one(list), undoable: false };
  }
  const said = savepoint.status === "fulfilled" && undone.status === "fulfilled";
  const undoable = said && warnings.status === "fulfilled" && isWhole(warnings.value);
  return { rowCount: run.value, undoable };
}

/** Each waits for the answer to the one before. */
export async function oneByOne(
  session: Pick<ManySession, "givenUp" | "one">,
  lists: readonly Params[],
): Promise<number> {
  let rowCount = 0;
  for (const list of lists) {
    if (session.givenUp()) break;
    rowCount += await session.one(list);
  }
  return rowCount;
}

async function inWindows(session: ManySession, lists: readonly Params[]): Promise<number> {
  let rowCount = 0;
  for (const window of windows(session.steps(lists), session.most)) {
    if (session.givenUp()) break;
    rowCount += await atOnce(session, window);
  }
  return rowCount;
}

/** As many as may be under way at a time. */
function* windows(steps: Iterable<Step>, most: number): Generator<Step[]> {
  let window: Step[] = [];
  let bytes = 0;
  for (const step of steps) {
    if (window.length === most || (window.length > 0 && bytes + step.bytes > MOST_BYTES)) {
      yield window;
      window = [];
      bytes = 0;
    }
    window.push(step);
    bytes += step.bytes;
  }
  if (window.length > 0) yield window;
}

async function atOnce(session: ManySession, steps: readonly Step[]): Promise<number> {
  const savepoint = session.command(SAVEPOINT, "part");
  const running = steps.length === 1 ? [steps[0]!.run()] : guarded(session, steps);
  const restored = steps.length === 1 ? undefined : restore(session);
  const [saved, , ...answers] = await Promise.allSettled([savepoint, restored, ...running]);
  const failures = answers.filter((answer) => answer.status === "rejected").map(({ reason }) => reason);
  if (failures.length > 0) {
    // A list that could not be sent ends the session: the lists before it fail with the loss, not with the reason.
    const reason: unknown = failures.find((error) => !(error instanceof ConnectionLost)) ?? failures[0];
    const undone = saved.status === "fulfilled" && (await undo(session));
    if (!undone || isPassing(reason as ServerError) || session.givenUp()) throw reason;
    const lists = steps.flatMap((step) => step.lists);
    return inHalves(session, lists);
  }
  return answers.reduce((sum, answer) => sum + (answer as PromiseFulfilledResult<number>).value, 0);
}

/**
 * A deadlock ends the transaction, and what comes behind it would be committed on its own: the server is made to refuse
 * that. It is told between any two lists: the first statement after such an end may still write, as the ended
 * transaction allowed it.
 */
function guarded(session: ManySession, steps: readonly Step[]): Promise<number>[] {
  session.tell(`SET @adbapi_read_only = @@SESSION.${session.readOnly}`);
  return steps.map((step) => {
    session.refuseWrites();
    return step.run();
  });
}

/** The next statements of the session must be able to write. */
async function restore(session: ManySession): Promise<void> {
  const { readOnly } = session;
  const back = `SET @@SESSION.${readOnly} = IFNULL(@adbapi_read_only, 0), @adbapi_read_only = NULL`;
  await surely(() => session.command(back)).catch(() => session.destroy());
}

/** One of these lists fails: they run again in halves, up to the one that fails, and nothing behind it. */
async function inHalves(session: ManySession, lists: readonly Params[]): Promise<number> {
  if (lists.length === 1) return session.one(lists[0]!);
  const half = lists.length >> 1;
  let rowCount = 0;
  for (const part of [lists.slice(0, half), lists.slice(half)]) {
    if (session.givenUp()) break;
    rowCount += await (part.length === 1 ? session.one(part[0]!) : inWindows(session, part));
  }
  return rowCount;
}

/** Whether all since the savepoint is undone: not where the transaction is over, nor in a table that has none. */
async function undo(session: ManySession): Promise<boolean> {
  try {
    await surely(() => session.command(UNDO));
    return isWhole(await session.command(WARNINGS));
  } catch {
    return false;
  }
}

/** Warnings of the failure before it may still be there. */
function isWhole(warnings: readonly unknown[]): boolean {
  return !warnings.some((row) => Number((row as unknown[])[1]) === ER_WARNING_NOT_COMPLETE_ROLLBACK);
}

/** A KILL that was meant for a list can hit what comes behind it. */
async function surely<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (attempt === ATTEMPTS || !isInterrupted(error as ServerError)) throw error;
    }
  }
}
