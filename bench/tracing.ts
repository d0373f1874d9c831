/** What the tracing channels cost: nothing when nobody listens, and what it takes when someone does. */
import { channel } from "node:diagnostics_channel";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { ConnectionPool } from "adbapi";
import { instrument } from "adbapi/opentelemetry";
import { type Contender, compare } from "./harness.js";
import { instant } from "./instant.js";

const EVENTS = ["start", "end", "asyncStart", "asyncEnd", "error"].map((event) =>
  channel(`tracing:adbapi:statement:${event}`),
);
const ignore = () => {};

/** Listens for as long as a sample lasts: contenders take turns, and listeners hear all pools of a process. */
interface Listening {
  start(): void;
  stop(): void;
}

const nobody: Listening = { start: ignore, stop: ignore };

const someone: Listening = {
  start() {
    for (const event of EVENTS) event.subscribe(ignore);
  },
  stop() {
    for (const event of EVENTS) event.unsubscribe(ignore);
  },
};

/** No exporter: what the SDK does with a span that has ended is not ours. */
function openTelemetry(): Listening {
  const tracerProvider = new BasicTracerProvider();
  const instrumentation = instrument(undefined, { tracerProvider, meterProvider: new MeterProvider() });
  instrumentation.disable();
  return { start: () => instrumentation.enable(), stop: () => instrumentation.disable() };
}

export default async function question(): Promise<string> {
  const contenders = [
    await contender("nobody listens", nobody),
    await contender("nobody listens, once more", nobody),
    await contender("somebody listens, and does nothing", someone),
    await contender("OpenTelemetry, spans and metrics", openTelemetry()),
  ];
  return compare({
    title: "Tracing channels, over a driver that answers at once, 64 at once",
    concurrency: 64,
    contenders,
    budgets: [
      { ours: "nobody listens", mostMicros: 3 },
      { ours: "somebody listens, and does nothing", peer: "nobody listens", mostMore: 1 },
    ],
  });
}

async function contender(name: string, { start, stop }: Listening): Promise<Contender> {
  const pool = new ConnectionPool(instant, {}, { min: 8, max: 8 });
  await pool.start();
  return {
    name,
    before: start,
    once: () => pool.runQuery("select 1", [1]),
    after: stop,
    close: () => pool.close(),
  };
}
