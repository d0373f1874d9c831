import type { InteractionTrace } from "../diagnostics/channels.js";
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
};

/** For one call: it is reset when something ran outside of its transactions. */
export function withSession(): InteractionKind {
  let lent: OpenSession | undefined;
  return {
    verb: "runWithSession",
    mode: "autocommit",
    get reset() {
      return lent?.touched === true;
    },
    face(session, sequence) {
      lent = new OpenSession(session, sequence);
      return lent;
    },
  };
}
