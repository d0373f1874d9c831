/** Whether the names of a session's prepared statements still stand on what they stood on when they were given. */
import type { Execution } from "../execution.js";
import { Statements, tablesAltered, type Use, unnamed } from "../statement-cache.js";
import type { Encoded } from "../wire.js";
import { type Effect, effectOf, worst } from "./effects.js";
import { FACTS_NAME, type Facts, factsOfRow } from "./facts.js";
import { outlineOf } from "./kind.js";

export interface Asks {
  readonly ahead: boolean;
  readonly behind: boolean;
  /** The question's name; empty where nothing is to have one. */
  readonly name: string;
  /** Whether the server has the question by that name. */
  readonly known: boolean;
}

/** How a statement is sent now. */
export interface Sending {
  readonly use: Use;
  /** Names to be closed at the server first. */
  readonly forgotten: readonly string[];
  /** Where the facts of the session are asked for. */
  readonly asks: Asks;
}

export const NOTHING: Asks = { ahead: false, behind: false, name: "", known: false };

/** How it is sent where nothing has a name. */
export function nameless(sql: string, use: Use = unnamed(sql, "command")): Sending {
  return { use, asks: NOTHING, forgotten: NONE };
}

const NONE: readonly string[] = [];

export interface Watch {
  /** Whether statements are to have names. */
  readonly prepare: boolean;
  /** What the session was told for its values can be undone unseen: by a trigger too, with no name to lose. */
  readonly undone: boolean;
}

const TIMES_SEEN = 3;
const MOST_SEEN = 256;

export class Names {
  readonly statements = new Statements();
  /** Where tables were looked for when the names were given; undefined where that is not known, and there are none. */
  #path: string | undefined;
  /** What has been done in the transaction that is open, whose end may undo it. */
  #open: Effect = "none";
  /** How often a pattern was looked at, and had moved nothing. */
  readonly #seen = new Map<string, number>();
  /** Whether the server has the question for the facts by its name. */
  #askable = false;

  readonly #watch: Watch;

  /** Where there is nothing to lose there is nothing to watch. */
  static watching(facts: Facts, watch: Watch): Names | undefined {
    return watch.prepare || watch.undone ? new Names(facts, watch) : undefined;
  }

  private constructor({ path }: Facts, watch: Watch) {
    this.#path = path;
    this.#watch = watch;
  }

  /** `anew` in the place of how it would be sent: without a name. */
  sending(sql: string, values: readonly Encoded[], inTransaction: boolean, anew: Use | undefined): Sending {
    const { statements } = this;
    const use = anew ?? (this.#watch.prepare ? statements.use(sql, values) : statements.unnamed(sql));
    const forgotten = statements.takeForgotten();
    return { use, forgotten, asks: this.asks(use, inTransaction) };
  }

  /**
   * Where in the statement's round trip the facts are to be asked for. Behind it, as a function may have moved what
   * names stand on. So may the trigger or the view of a plain one: that is looked at until its like is familiar or it
   * has a name, in a transaction, whose end would put it back, and as long as there are names to lose. Also behind what
   * gets its name in a transaction. Ahead of these where it is not known what names stand on.
   */
  asks(use: Use, inTransaction: boolean): Asks {
    const { kind, name } = use;
    if (kind === "command") return NOTHING;
    const behind =
      kind === "calls" ||
      kind === "runs" ||
      (name === ""
        ? (inTransaction || this.statements.some || this.#watch.undone) && !this.#isFamiliar(use)
        : inTransaction && isNaming(use));
    const ahead = this.#path === undefined && kind !== "runs" && (behind || isNaming(use));
    // What runs code may drop the name before it is used.
    if (!ahead && !behind) return NOTHING;
    if (!this.#watch.prepare) return { ahead, behind, name: "", known: false };
    return { ahead, behind, name: FACTS_NAME, known: this.#askable && kind !== "runs" };
  }

  /** Something is over, with all that it may have done. */
  settled(execution: Execution, inTransaction: boolean): void {
    const effect = this.#effectOf(execution);
    if (effect !== "none") {
      this.#open = worst(this.#open, effect);
      this.#forget();
    }
    if (this.#open !== "none") this.#follow(execution.tag, inTransaction);
  }

  /** The caller has spoken to the session past the driver. */
  overheard(inTransaction: boolean): void {
    this.#open = "altered";
    this.#follow("", inTransaction);
    this.#forget();
  }

  /** The server has lost the question. */
  unaskable(): void {
    this.#askable = false;
  }

  /** The end of a transaction, or of a part of it, puts back what was moved in it. */
  #follow(tag: string, inTransaction: boolean): void {
    if (inTransaction && tag !== "ROLLBACK" && tag !== "COMMIT") return;
    if (this.#open === "altered") tablesAltered();
    // Back at a savepoint there may be more to put back.
    if (!inTransaction || tag === "COMMIT") this.#open = "none";
    this.#forget();
  }

  #effectOf(execution: Execution): Effect {
    const { statement, use, lookedAhead, lookedBehind, notable, refusal, tag } = execution;
    let effect: Effect = "none";
    if (notable !== undefined)
      for (const each of notable) effect = worst(effect, effectOf(each, statement?.sql));
    if (statement === undefined || execution.unrun) return effect;
    const kind = use?.kind ?? outlineOf(statement.sql).kind;
    if (kind === "command")
      return DIGIT.test(tag) ? worst(effect, effectOf("SELECT", statement.sql)) : effect;
    // The server has done what only this side cannot read.
    if (refusal === undefined) {
      this.#askable ||= kind !== "runs" && (lookedBehind ?? lookedAhead) !== undefined;
      if (lookedAhead !== undefined) this.#path = factsOfRow(lookedAhead).path;
      if (lookedBehind !== undefined) {
        const seen = worst(this.#look(lookedBehind), execution.lowered ? "moved" : "none");
        if (use !== undefined && use.pattern !== "") this.#watched(use.pattern, seen);
        return seen;
      }
      // What a stream did behind a pooler that keeps rows back was not looked at.
      if (kind === "calls" || (use === undefined && kind !== "runs")) return "moved";
    }
    // A trigger or a view of its may have moved it unseen.
    if (use !== undefined && use.name === "" && !this.#isFamiliar(use) && !this.statements.some)
      this.#path = undefined;
    // Of a procedure that failed a part may be committed.
    return kind === "runs" ? "altered" : "none";
  }

  #look(row: readonly unknown[]): Effect {
    const { path, altered } = factsOfRow(row);
    if (altered) return "altered";
    return path === this.#path ? "none" : "moved";
  }

  /** Whether its like has moved nothing so far. */
  #isFamiliar({ pattern }: Use): boolean {
    return (this.#seen.get(pattern) ?? 0) >= TIMES_SEEN;
  }

  #watched(pattern: string, effect: Effect): void {
    const times = (this.#seen.get(pattern) ?? 0) + 1;
    if (effect !== "none") this.#seen.delete(pattern);
    else if (times > 1 || this.#seen.size < MOST_SEEN) this.#seen.set(pattern, times);
  }

  #forget(): void {
    this.#path = undefined;
    this.#askable = false;
    this.statements.clear();
  }
}

function isNaming({ name, shape }: Use): boolean {
  return name !== "" && shape === undefined;
}

const DIGIT = /\d$/;
