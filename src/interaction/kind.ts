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
  /** The class of what the function is given. */
  readonly Face: new (
    session: Session,
    sequence: Sequence,
  ) => unknown;
}

export const INTERACTION: InteractionKind = {
  verb: "runInteraction",
  mode: "transaction",
  reset: false,
  Face: Transaction,
};

export const WITH_CONNECTION: InteractionKind = {
  verb: "runWithConnection",
  mode: "connection",
  reset: true,
  Face: Connection,
};

/** What a script is run on. */
export class OfSession {
  readonly session: Session;
  readonly sequence: Sequence;

  constructor(session: Session, sequence: Sequence) {
    this.session = session;
    this.sequence = sequence;
  }
}

/** A script may leave anything behind. */
export const SCRIPT: InteractionKind = {
  verb: "runScript",
  mode: "autocommit",
  reset: true,
  Face: OfSession,
  finished: (session) => refuseOpen(session, "the script", "with COMMIT, or use transaction.runScript"),
};

/** What is left open would be lost without a word. */
function refuseOpen(session: Session, who: string, how: string): void {
  if (session.connection.session !== "in transaction") return;
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
    Face: class extends OpenSession {
      constructor(session: Session, sequence: Sequence) {
        super(session, sequence);
        lent = this;
      }
    },
  };
}
