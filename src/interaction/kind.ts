import type { InteractionTrace } from "../diagnostics/channels.js";
import { ProgrammingError } from "../errors/classes.js";
import { checkSessionOptions, type InteractionOptions } from "../options/call-options.js";
import { Connection } from "../session/connection.js";
import { OpenSession } from "../session/open-session.js";
import type { Sequence } from "../session/sequence.js";
import type { Session } from "../session/session.js";
import type { TransactionMode } from "../session/transaction-state.js";
import { Transaction } from "./transaction.js";

/** What an interaction lends to its function, and how it treats the connection. */
export interface InteractionKind {
  readonly verb: InteractionTrace["verb"];
  readonly mode: TransactionMode;
  /** Whether the session is reset, asked when it is given back, unless `resetOnRelease` says otherwise. */
  readonly reset: boolean;
  /** Throws for options that have no meaning here. */
  check?(options: InteractionOptions): void;
  /** Asked when the function is done: throws where what it has left must not be kept. */
  finished?(session: Session): void;
  /** What the function is given. */
  face(session: Session, sequence: Sequence): unknown;
}

export const INTERACTION: InteractionKind = {
  verb: "runInteraction",
  mode: "transaction",
  reset: false,
  face: (session, sequence) => new Transaction(session, sequence),
};

export const WITH_CONNECTION: InteractionKind = {
  verb: "runWithConnection",
  mode: "connection",
  reset: true,
  face: (session, sequence) => new Connection(session, sequence),
};

/** What a script is run on. */
export interface OfSession {
  readonly session: Session;
  readonly sequence: Sequence;
}

/** A script may leave anything behind. */
export const SCRIPT: InteractionKind = {
  verb: "runScript",
  mode: "autocommit",
  reset: true,
  face: (session, sequence): OfSession => ({ session, sequence }),
  finished: (session) => refuseOpen(session, "the script", "with COMMIT, or use transaction.runScript"),
};

/** What is left open would be lost without a word. */
function refuseOpen(session: Session, who: string, how: string): void {
  if (session.lease.session !== "in transaction") return;
  throw new ProgrammingError(`${who} left a transaction open, which was rolled back: end it ${how}`);
}

/** For one call: it is reset when something ran outside of its transactions. */
export function withSession(): InteractionKind {
  let lent: OpenSession | undefined;
  return {
    verb: "runWithSession",
    mode: "autocommit",
    check: checkSessionOptions,
    finished: (session) => refuseOpen(session, "the session's function", "by commit() or rollback()"),
    get reset() {
      return lent?.touched === true;
    },
    face(session, sequence) {
      lent = new OpenSession(session, sequence);
      return lent;
    },
  };
}
