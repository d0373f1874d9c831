/** Whether a session may write, and who says that it may not. */
import type { Client } from "pg";

/** The SQLSTATE of that refusal. */
export const READ_ONLY_SQL_TRANSACTION = "25006";

/**
 * What makes each transaction of a server, a database or a role read-only. Reported by PostgreSQL 14 and newer, also
 * when they change.
 */
const REPORTED: readonly string[] = ["in_hot_standby", "default_transaction_read_only"];

export class Access {
  /** What the transaction that is open was begun for, by the driver. */
  asked: "any" | "reading" = "any";
  readonly #reported = new Map<string, string>();

  constructor(client: Client) {
    client.connection.on("parameterStatus", (status: ParameterStatus) => {
      const { parameterName: name, parameterValue: value } = status;
      if (REPORTED.includes(name)) this.#reported.set(name, value);
    });
  }

  /**
   * A write was refused: whether the server takes none (a standby, or a primary that is one no more). In a transaction
   * that its own caller made read-only it is not such a refusal.
   */
  get refusesWrites(): boolean {
    if (this.asked === "reading") return false;
    // Where the server does not tell, nothing else can.
    const told = this.#reported.size > 0;
    return !(told && [...this.#reported.values()].every((value) => value === "off"));
  }
}

export interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}
