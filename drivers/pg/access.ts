/** Whether a session may write, and who says that it may not. */
import type { Client } from "pg";
import type { TransactionOptions } from "../driver.js";
import { factsOf } from "./errors.js";

const READ_ONLY_SQL_TRANSACTION = "25006";

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

  begins({ readOnly }: TransactionOptions): void {
    this.asked = readOnly === true ? "reading" : "any";
  }

  /**
   * Whether a server that takes no writes (a standby, or a primary that is one no more) refused this one. In a
   * transaction that its own caller made read-only it is not such a refusal.
   */
  refusedBy(error: unknown): boolean {
    const { code, severity } = factsOf(error);
    if (code !== READ_ONLY_SQL_TRANSACTION || severity === undefined || this.asked === "reading")
      return false;
    // Where the server does not tell, nobody else can.
    const told = this.#reported.size > 0;
    if (told && [...this.#reported.values()].every((value) => value === "off")) return false;
    return true;
  }
}

export interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}
