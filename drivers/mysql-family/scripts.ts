/** Scripts: several statements in one text, which the server divides itself once it has been told to take them. */
import { OperationalError } from "../../src/errors/classes.js";
import { commentEnd } from "../../src/statement/sql-comments.js";
import type { ScriptProgress, Statement } from "../driver.js";
import type { ServerError } from "./errors/server-error.js";
import type { Part } from "./in-flight.js";
import type { TransactionState } from "./transaction-state.js";

/** How many answers came before the end, and whether rows were among them. */
export interface Answers {
  readonly count: number;
  readonly rows: boolean;
}

/** The packages' own part. */
export interface Scripts {
  /** The server is told to take several statements in a text, or to refuse them again: COM_SET_OPTION. */
  allow(several: boolean, done: (error: unknown) => void): void;
  /** Runs them, and drops their rows; `done` hears of the first failure. */
  run(sql: string, done: (error: ServerError | null | undefined, answers: Answers) => void): void;
}

export type SendScript = (done: (error: ServerError | undefined) => void) => void;

/** What a session does for a script. */
export interface ScriptSession {
  isOpen(): boolean;
  /** Whether it was cancelled. */
  isStopped(): boolean;
  /** Has something asked that is no statement. */
  allow(part: Part, ask: () => Promise<void>): Promise<void>;
  readonly transaction: TransactionState;
  /** Fires when it has been answered, and the state of the session is known. */
  run(send: SendScript): Promise<void>;
}

/** The server takes several statements for this text alone. */
export async function runScript(
  scripts: Scripts,
  script: Statement,
  progress: ScriptProgress,
  session: ScriptSession,
): Promise<void> {
  const { sql } = script;
  const allow = (several: boolean, whole?: Statement) =>
    session.allow(
      { sql: "COM_SET_OPTION", params: undefined, rowMode: "array", whole },
      () =>
        new Promise((resolve, reject) => {
          scripts.allow(several, (error) => (error ? reject(error) : resolve()));
        }),
    );
  const began = session.transaction.state === "in transaction" && ENDING.test(bare(sql));
  await allow(true, script);
  try {
    if (session.isStopped()) throw new OperationalError("the script was cancelled before it was sent");
    await session.run((done) =>
      scripts.run(sql, (error, answers) => {
        note(answers, sql, progress);
        done(error && !isEnd(error, answers, sql) ? error : undefined);
      }),
    );
  } finally {
    // What was open may be over, and what is open now another: nothing tells them apart.
    if (began) session.transaction.ended();
    if (session.isOpen()) await allow(false);
  }
}

const ENDING = /\b(?:begin|start\s+transaction|commit|rollback(?!\s+(?:work\s+)?to\b))\b/i;

/** COM_SET_OPTION with MYSQL_OPTION_MULTI_STATEMENTS_ON or …_OFF, as a packet with its head. */
export function setOption(several: boolean): Buffer {
  return Buffer.from([3, 0, 0, 0, 0x1b, several ? 0 : 1, 0]);
}

/** Statements of these may give several answers, or none of their own: then the answers do not tell the number. */
const SEVERAL_ANSWERS = /\b(?:call|execute|begin|if|case|loop|repeat|while|for)\b/i;

function note({ count, rows }: Answers, sql: string, progress: ScriptProgress): void {
  progress.completed = rows && SEVERAL_ANSWERS.test(sql) ? undefined : count;
}

const EMPTY_QUERY = 1065;
const EMPTY_STATEMENT = /;\s*;/;

/** What stands behind the last semicolon is a statement to the server, and refused, where it is a comment alone. */
function isEnd(error: ServerError, { count }: Answers, sql: string): boolean {
  if (error.errno !== EMPTY_QUERY || count === 0) return false;
  const text = bare(sql);
  return /;\s*$/.test(text) && !EMPTY_STATEMENT.test(text);
}

/**
 * Whether a text holds a semicolon with something behind it, outside of quotes and comments. The body of a procedure
 * does too: as a script it is what it is without.
 */
export function severalStatements(sql: string): boolean {
  if (!sql.includes(";")) return false;
  const text = bare(sql).replace(/^[\s;]+/, "");
  const first = text.indexOf(";");
  return first >= 0 && /[^\s;]/.test(text.slice(first));
}

/** The text with a blank for each comment and all that is quoted. Read in one pass, as the text may be long. */
function bare(sql: string): string {
  let text = "";
  let from = 0;
  for (let at = 0; at < sql.length; ) {
    const end = quotedEnd(sql, at) ?? commentEnd(sql, at, { mysql: true });
    if (end === undefined) at++;
    else {
      text += `${sql.slice(from, at)} `;
      from = at = end;
    }
  }
  return text + sql.slice(from);
}

/** Where the quoted text ends that begins here, if one does. */
function quotedEnd(sql: string, from: number): number | undefined {
  const quote = sql[from]!;
  if (quote !== "'" && quote !== '"' && quote !== "`") return undefined;
  let at = from + 1;
  while (at < sql.length && sql[at] !== quote) at += sql[at] === "\\" && quote !== "`" ? 2 : 1;
  return at + 1;
}
