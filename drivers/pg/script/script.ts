/** A text of several statements, by the simple protocol: the server divides it, and runs one after the other. */
import type { ScriptProgress, Statement } from "../../driver.js";
import { copyRefused } from "../copy/refused.js";
import { OwnExecution, type Owner, type Wire } from "../execution.js";
import * as wire from "../wire.js";
import { statementAt } from "./statements.js";

export class ScriptExecution extends OwnExecution {
  override readonly isScript = true;
  readonly #progress: ScriptProgress;
  /** Whether a transaction has ended, and another one has begun behind it. */
  restarted = false;
  #ended = false;
  readonly #chains: boolean;

  constructor(
    owner: Owner,
    settle: ConstructorParameters<typeof OwnExecution>[2],
    script: Statement,
    progress: ScriptProgress,
  ) {
    super(owner, wire.query(script.sql), settle, script);
    this.#progress = progress;
    this.#chains = /\band\s+chain\b/i.test(script.sql);
  }

  override handleDataRow(): void {}

  override handleCommandComplete(message: { readonly text: string }): void {
    super.handleCommandComplete(message);
    this.#progress.completed = this.completed;
    const { text } = message;
    if (text === "COMMIT" || text === "ROLLBACK") {
      this.#ended = true;
      this.restarted ||= this.#chains;
    } else if (text === "BEGIN" || text === "START TRANSACTION") this.restarted ||= this.#ended;
  }

  /** No Sync has been sent that COPY could swallow. */
  override handleCopyInResponse(connection: Wire): void {
    this.error ??= copyRefused();
    connection.sendCopyFail("not supported in a script");
  }

  /** Rows of a script are dropped, these too. */
  override handleCopyData(): void {}

  /** The last of several commands says nothing of the whole. */
  override finish(): void {
    this.tag = "";
    super.finish();
  }
}

/** Where it stopped: a fault that was found before anything ran is counted by its place. */
export function locate(error: unknown, sql: string, progress: ScriptProgress): void {
  const { position } = (error ?? {}) as { readonly position?: unknown };
  const characters = typeof position === "string" ? Number(position) : Number.NaN;
  if (!(characters >= 1)) return;
  progress.position = indexOf(sql, characters - 1);
  // A text that cannot be parsed is not run at all.
  if (progress.completed === 0) progress.completed = statementAt(sql, progress.position) - 1;
}

/** The server counts characters, of which some are two of JavaScript's. */
function indexOf(sql: string, characters: number): number {
  let index = 0;
  for (let left = characters; left > 0 && index < sql.length; left--)
    index += sql.codePointAt(index)! > 0xffff ? 2 : 1;
  return index;
}
