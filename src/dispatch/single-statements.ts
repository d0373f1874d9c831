import type { Driver, Params, Result } from "../../drivers/driver.js";
import { type Deferred, fail } from "../defer/index.js";
import { channels, type Origin, type StatementTrace, traced } from "../diagnostics/channels.js";
import { cancelledBefore } from "../errors/given-up.js";
import type { StatementOptions } from "../options/call-options.js";
import { boundParams } from "../statement/check-sql.js";
import { StatementJob } from "../statement/statement-job.js";
import type { Dispatcher } from "./dispatcher.js";

/** The statements that a pool runs on its own: each checked, bound, made a job and put into the queue. */
export class SingleStatements {
  readonly #driver: Driver;
  readonly #dispatcher: Dispatcher;
  readonly #origin: Origin;
  readonly #timeoutMillis: number | undefined;

  constructor(
    driver: Driver,
    dispatcher: Dispatcher,
    origin: Origin,
    { statementTimeoutMillis }: { readonly statementTimeoutMillis: number | undefined },
  ) {
    this.#driver = driver;
    this.#dispatcher = dispatcher;
    this.#origin = origin;
    this.#timeoutMillis = statementTimeoutMillis;
  }

  /** Fires with what `pick` takes of the result, else with its rows. */
  run<T>(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
    pick: ((result: Result) => T) | undefined,
  ): Deferred<T> {
    let bound: Params | undefined;
    try {
      bound = boundParams(this.#driver, sql, params, options);
    } catch (error) {
      return fail(error) as unknown as Deferred<T>;
    }
    if (options?.signal?.aborted) return cancelledBefore(options.signal, sql);
    const timeout = options?.timeoutMillis ?? this.#timeoutMillis;
    if (!channels.statement.hasSubscribers) {
      const job = new StatementJob(this.#dispatcher, sql, bound, pick, options, timeout);
      return this.#dispatcher.submit(job) as Deferred<T>;
    }
    const parameterized = bound !== undefined;
    const trace: StatementTrace = { ...this.#origin, sql, parameterized, inTransaction: false };
    const asked = performance.now();
    const submit = () => {
      const job = new StatementJob(this.#dispatcher, sql, bound, pick, options, timeout);
      job.onSent = () => {
        trace.waitedMillis = performance.now() - asked;
      };
      return this.#dispatcher.submit(job) as Deferred<T>;
    };
    return traced(channels.statement, trace, submit);
  }
}
