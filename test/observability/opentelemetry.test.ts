/** OpenTelemetry's own SDK records a pool: names and units by the semantic conventions for database clients. */
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { type ConnectionPool, PoolTimeout, UniqueViolation } from "adbapi";
import { type Instrumentation, type InstrumentOptions, instrument } from "adbapi/opentelemetry";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { eventually } from "../support/eventually.js";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

const contexts = new AsyncLocalStorageContextManager();
beforeAll(() => void context.setGlobalContextManager(contexts.enable()));
afterAll(() => context.disable());

/** What is recorded between the call and the end of the test. */
function recorded(pool?: ConnectionPool, options: InstrumentOptions = {}) {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 31 - 1 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const instrumentation = instrument(pool, { tracerProvider, meterProvider, ...options });
  onTestFinished(async () => {
    instrumentation.disable();
    await meterProvider.shutdown();
  });
  const tracer = tracerProvider.getTracer("of the test");
  const spansOf = (name: string) => spans.getFinishedSpans().filter((span) => span.name === name);
  const metricsNow = async () => {
    exporter.reset();
    await reader.forceFlush();
    return new Map(
      exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
        .map((metric) => [metric.descriptor.name, metric]),
    );
  };
  return { spans, tracer, spansOf, metricsNow, instrumentation };
}

const parentOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId;

describeEach(TARGETS, (target) => {
  const twice = target.sql("select ? as a");

  test("a statement's span", () =>
    withPool(target, {}, async (pool) => {
      const { spansOf, tracer } = recorded(pool);
      const parent = tracer.startSpan("request");
      await context.with(trace.setSpan(context.active(), parent), () => pool.runQuery(twice, [1]));
      const [span] = spansOf("SELECT");
      expect(span?.kind).toBe(SpanKind.CLIENT);
      expect(parentOf(span)).toBe(parent.spanContext().spanId);
      expect(span?.instrumentationScope).toMatchObject({ name: "adbapi", version: packageJson.version });
      const { system, namespace, address, port } = pool.database;
      expect(span?.attributes).toEqual({
        "db.system.name": system,
        "db.namespace": namespace,
        "db.query.summary": "SELECT",
        "db.query.text": twice,
        ...(address !== undefined && { "server.address": address }),
        ...(port !== undefined && { "server.port": port }),
      });
      expect(namespace).toBeTruthy();
      expect(address === undefined).toBe(target.server === undefined);
      expect(span?.status.code).toBe(SpanStatusCode.UNSET);
    }));

  test("an error's span and its duration: the database's code, and nobody's values", () =>
    withPool(target, {}, async (pool) => {
      await pool.runOperation("create table t (a varchar(20) primary key)");
      await pool.runOperation("insert into t values ('a secret')");
      const { spansOf, metricsNow } = recorded(pool);
      await expect(pool.runOperation("insert into t values ('a secret')")).rejects.toThrow(UniqueViolation);
      const [span] = spansOf("INSERT");
      const codes: Partial<Record<string, string>> = { postgres: "23505", mysql: "1062", mariadb: "1062" };
      const expected = codes[target.server ?? ""] ?? expect.stringMatching(/^SQLITE_CONSTRAINT/);
      expect(span?.attributes).toMatchObject({
        "error.type": expected,
        "db.response.status_code": expected,
        "db.query.text": "insert into t values (?)",
      });
      expect(span?.status.code).toBe(SpanStatusCode.ERROR);
      expect(JSON.stringify([span?.attributes, span?.status, span?.events])).not.toContain("secret");
      const duration = (await metricsNow()).get("db.client.operation.duration");
      expect(duration?.dataPoints.map(({ attributes }) => attributes)).toEqual([
        expect.objectContaining({ "db.query.summary": "INSERT", "error.type": expected }),
      ]);
    }));

  test("an interaction's span is the parent of what its function does, and a child of who asked", () =>
    withPool(target, {}, async (pool) => {
      const { spansOf, tracer } = recorded(pool);
      const parent = tracer.startSpan("request");
      await context.with(trace.setSpan(context.active(), parent), () =>
        pool.runInteraction(async (transaction) => {
          await transaction.runQuery(twice, [1]);
          tracer.startSpan("the user's own").end();
          for await (const _ of transaction.runStream(twice, [2]));
        }),
      );
      const [interaction] = spansOf("runInteraction");
      expect(interaction?.kind).toBe(SpanKind.INTERNAL);
      expect(parentOf(interaction)).toBe(parent.spanContext().spanId);
      const inside = [...spansOf("SELECT"), ...spansOf("the user's own")];
      expect(inside.map(parentOf)).toEqual(Array(3).fill(interaction?.spanContext().spanId));
    }));
});

const target = TARGETS.find(({ name }) => name === "better-sqlite3") ?? TARGETS[0]!;

describe("metrics", () => {
  test("of a pool: names, units, and what they say", () =>
    withPool(target, { name: "orders", min: 1, max: 2, acquireTimeoutMillis: 3_000 }, async (pool) => {
      const { metricsNow } = recorded(pool);
      await pool.start();
      await pool.runQuery("select 1 as a");
      await pool.runInteraction({ readOnly: true }, (transaction) => transaction.runQuery("select 1 as a"));
      const during = await pool.runInteraction(async () => {
        // A write behind a write: it waits until its time is over.
        await expect(pool.runOperation("create table t (a)")).rejects.toThrow(PoolTimeout);
        return metricsNow();
      });
      const pointsOf = (name: string) => during.get(`db.client.${name}`)?.dataPoints ?? [];
      const only = { "db.client.connection.pool.name": "orders" };
      expect(pointsOf("connection.count").map(({ attributes, value }) => [attributes, value])).toEqual([
        [{ ...only, "db.client.connection.state": "idle" }, pool.stats.size - 1],
        [{ ...only, "db.client.connection.state": "used" }, 1],
      ]);
      const gauges = { "idle.max": 2, "idle.min": 1, max: 2, pending_requests: 0, timeouts: 1 };
      for (const [name, value] of Object.entries(gauges)) {
        const [point, ...more] = pointsOf(`connection.${name}`) as DataPoint<number>[];
        expect([name, point?.value, point?.attributes, more]).toEqual([name, value, only, []]);
      }
      for (const name of ["create_time", "wait_time", "use_time"]) {
        const [point] = pointsOf(`connection.${name}`) as DataPoint<Histogram>[];
        expect(point?.attributes).toEqual(only);
        expect(point?.value.count).toBeGreaterThan(0);
        expect(point?.value.sum).toBeLessThan(10);
      }
      const durations = pointsOf("operation.duration") as DataPoint<Histogram>[];
      expect(durations.map(({ attributes }) => attributes["error.type"])).toEqual([undefined, "PoolTimeout"]);
      const boundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
      expect(durations[0]?.value.buckets.boundaries).toEqual(boundaries);
      expect(durations[0]?.value.count).toBe(2);
      const units = [...during].map(([name, { descriptor }]) => [
        name.replace("db.client.", ""),
        descriptor.unit,
      ]);
      expect(Object.fromEntries(units)).toEqual({
        "operation.duration": "s",
        "connection.create_time": "s",
        "connection.wait_time": "s",
        "connection.use_time": "s",
        "connection.count": "{connection}",
        "connection.idle.max": "{connection}",
        "connection.idle.min": "{connection}",
        "connection.max": "{connection}",
        "connection.pending_requests": "{request}",
        "connection.timeouts": "{timeout}",
      });
    }));
});

describe("instrument", () => {
  test("a pool: no other is recorded", () =>
    withPool(target, { name: "this one" }, async (pool) => {
      await withPool(target, { name: "another" }, async (other) => {
        const { spansOf, metricsNow } = recorded(pool);
        await other.runQuery("select 1 as a");
        expect(spansOf("SELECT")).toHaveLength(0);
        await pool.runQuery("select 1 as a");
        expect(spansOf("SELECT")).toHaveLength(1);
        const points = (await metricsNow()).get("db.client.connection.max")?.dataPoints;
        expect(points?.map(({ attributes }) => attributes["db.client.connection.pool.name"])).toEqual([
          "this one",
        ]);
      });
    }));

  test("all pools, those that come later too, none open once they are closed", async () => {
    const { spansOf, metricsNow } = recorded();
    const open = async () => {
      const sums: Record<string, number> = {};
      const points = (await metricsNow()).get("db.client.connection.count")?.dataPoints ?? [];
      for (const { attributes, value } of points as DataPoint<number>[]) {
        const name = String(attributes["db.client.connection.pool.name"]);
        sums[name] = (sums[name] ?? 0) + value;
      }
      return sums;
    };
    await withPool(target, { name: "one", max: 1 }, (one) =>
      withPool(target, { name: "two", max: 2 }, async (two) => {
        await Promise.all([one.runQuery("select 1 as a"), two.runQuery("select 2 as a")]);
        expect(spansOf("SELECT")).toHaveLength(2);
        await eventually("connections", () => one.stats.size + two.stats.size, 3);
        expect(await open()).toEqual({ one: 1, two: 2 });
      }),
    );
    expect(await open()).toEqual({ one: 0, two: 0 });
  });

  test("until disable(), and again after enable()", () =>
    withPool(target, {}, async (pool) => {
      const { spansOf, instrumentation } = recorded(pool);
      instrumentation.disable();
      expect(instrumentation.getConfig()).toEqual({ enabled: false });
      await pool.runQuery("select 1 as a");
      expect(spansOf("SELECT")).toHaveLength(0);
      instrumentation.enable();
      instrumentation.enable();
      await pool.runQuery("select 1 as a");
      expect(spansOf("SELECT")).toHaveLength(1);
    }));

  test("disable() ends what is open, once; another provider leaves it where it began", () =>
    withPool(target, {}, async (pool) => {
      const { spans, instrumentation } = recorded(pool);
      const others = new InMemorySpanExporter();
      const names = (exporter: InMemorySpanExporter) => exporter.getFinishedSpans().map(({ name }) => name);
      let open = () => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      const interaction = pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1 as a");
        await gate;
        await transaction.runQuery("select 1 as a");
      });
      await eventually("spans", () => names(spans).join(), "SELECT");
      instrumentation.setTracerProvider(
        new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(others)] }),
      );
      instrumentation.disable();
      expect(names(spans)).toEqual(["SELECT", "runInteraction"]);
      instrumentation.enable();
      open();
      await interaction;
      expect(names(spans)).toEqual(["SELECT", "runInteraction"]);
      expect(names(others)).toEqual(["SELECT"]);
    }));

  test("takes the providers that an SDK hands it", () =>
    withPool(target, {}, async (pool) => {
      const instrumentation: Instrumentation = instrument(pool);
      onTestFinished(() => instrumentation.disable());
      const spans = new InMemorySpanExporter();
      instrumentation.setTracerProvider(
        new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
      );
      await pool.runQuery("select 1 as a");
      expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(["SELECT"]);
    }));

  test("names statements as it is told", () =>
    withPool(target, {}, async (pool) => {
      const summarize = (sql: string) => /\/\* (.*) \*\//.exec(sql)?.[1];
      const { spansOf } = recorded(pool, { summarize });
      await pool.runQuery("select 1 as a /* get user by id */");
      await pool.runQuery("select 1 as a");
      const [span] = spansOf("get user by id");
      expect(span?.attributes["db.query.summary"]).toBe("get user by id");
      const [nameless] = spansOf(pool.database.namespace ?? "");
      expect(nameless?.attributes).not.toHaveProperty("db.query.summary");
    }));
});
