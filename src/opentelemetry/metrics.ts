/** What statements, waits and connections take, and what the pools hold. */
import type { Attributes, BatchObservableResult, Histogram, Meter, Observable } from "@opentelemetry/api";
import type { ReleaseTrace, TracedPool } from "../diagnostics/channels.js";
import { databaseAttributes, errorAttributes, poolAttributes } from "./attributes.js";

/** What the conventions advise for operations; waits and uses are of the same order. */
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

type Gauge = "idle.max" | "idle.min" | "max" | "pending_requests" | "timeouts";

/** @see https://opentelemetry.io/docs/specs/semconv/db/database-metrics/ */
export class Metrics {
  readonly #meter: Meter;
  readonly #pools: () => Iterable<TracedPool>;
  readonly #operation: Histogram;
  readonly #create: Histogram;
  readonly #wait: Histogram;
  readonly #use: Histogram;
  readonly #count: Observable;
  readonly #gauges: Readonly<Record<Gauge, Observable>>;

  constructor(meter: Meter, pools: () => Iterable<TracedPool>) {
    this.#meter = meter;
    this.#pools = pools;
    this.#operation = seconds(
      meter,
      "db.client.operation.duration",
      "Duration of database client operations.",
    );
    this.#create = seconds(meter, "db.client.connection.create_time", "What it took to open a connection.");
    this.#wait = seconds(
      meter,
      "db.client.connection.wait_time",
      "What it took to get a connection of the pool.",
    );
    this.#use = seconds(
      meter,
      "db.client.connection.use_time",
      "From getting a connection to giving it back.",
    );
    const named = (name: string, description: string, unit = "{connection}") =>
      [`db.client.connection.${name}`, { description, unit }] as const;
    this.#count = meter.createObservableUpDownCounter(...named("count", "Open connections, by state."));
    this.#gauges = {
      "idle.max": meter.createObservableUpDownCounter(...named("idle.max", "The most that may be idle.")),
      "idle.min": meter.createObservableUpDownCounter(...named("idle.min", "How many are kept open.")),
      max: meter.createObservableUpDownCounter(...named("max", "The most that may be open.")),
      pending_requests: meter.createObservableUpDownCounter(
        ...named("pending_requests", "Statements, interactions and streams that wait for one.", "{request}"),
      ),
      timeouts: meter.createObservableCounter(
        ...named("timeouts", "Waits that ended without one.", "{timeout}"),
      ),
    };
    meter.addBatchObservableCallback(this.#observe, this.#observables);
  }

  statement(source: TracedPool, summary: string | undefined, millis: number, error: unknown): void {
    this.#operation.record(millis / 1_000, {
      ...databaseAttributes(source.database),
      ...(summary !== undefined && { "db.query.summary": summary }),
      ...(error !== undefined && errorAttributes(error)),
    });
  }

  connected(source: TracedPool, millis: number): void {
    this.#create.record(millis / 1_000, poolAttributes(source));
  }

  waited(source: TracedPool, millis: number): void {
    this.#wait.record(millis / 1_000, poolAttributes(source));
  }

  released({ source, heldMillis }: ReleaseTrace): void {
    this.#use.record(heldMillis / 1_000, poolAttributes(source));
  }

  stop(): void {
    this.#meter.removeBatchObservableCallback(this.#observe, this.#observables);
  }

  get #observables(): Observable[] {
    return [this.#count, ...Object.values(this.#gauges)];
  }

  readonly #observe = (result: BatchObservableResult): void => {
    for (const pool of this.#pools()) {
      const attributes = poolAttributes(pool);
      const { idle, inUse, waiting, min, max, poolTimeouts } = pool.stats;
      const state = (name: string): Attributes => ({ ...attributes, "db.client.connection.state": name });
      result.observe(this.#count, idle, state("idle"));
      result.observe(this.#count, inUse, state("used"));
      const values = {
        "idle.max": max,
        "idle.min": min,
        max,
        pending_requests: waiting,
        timeouts: poolTimeouts,
      };
      for (const [name, gauge] of Object.entries(this.#gauges)) {
        result.observe(gauge, values[name as Gauge], attributes);
      }
    }
  };
}

function seconds(meter: Meter, name: string, description: string): Histogram {
  return meter.createHistogram(name, {
    unit: "s",
    description,
    advice: { explicitBucketBoundaries: SECONDS },
  });
}
