/// <reference types="node" preserve="true" />
/**
 * OpenTelemetry: spans of statements and interactions, and metrics of pools, by the semantic conventions for database
 * clients.
 */
import { type MeterProvider, metrics, type TracerProvider, trace as traces } from "@opentelemetry/api";
import type { ConnectionPool } from "../connection-pool.js";
import { Listener } from "./listener.js";

const NAME = "adbapi";
/** The version of this package. */
export const VERSION = "0.1.0";

export interface InstrumentOptions {
  /** @default the global one, whenever that is registered */
  readonly tracerProvider?: TracerProvider | undefined;
  /** @default the global one at the time of the call: register it before */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * A name of few variants for a statement: its span's name, and an attribute of its span and of the durations.
   * @default its first word, in capitals: nothing else is read from the text
   */
  readonly summarize?: ((sql: string) => string | undefined) | undefined;
}

/**
 * What `instrument` gives. It has the members of OpenTelemetry's own instrumentations, so that it can be handed to an
 * SDK: `new NodeSDK({ instrumentations: [instrument()] })`.
 */
export interface Instrumentation {
  readonly instrumentationName: string;
  readonly instrumentationVersion: string;
  enable(): void;
  disable(): void;
  setTracerProvider(provider: TracerProvider): void;
  setMeterProvider(provider: MeterProvider): void;
  setConfig(config: { readonly enabled?: boolean }): void;
  getConfig(): { readonly enabled: boolean };
}

/**
 * Records what a pool does, or without one what all pools of this process do, until `disable()`. The parent of a span
 * is whatever is active where the verb was called; inside of an interaction's function the interaction's own span is.
 */
export function instrument(pool?: ConnectionPool, options: InstrumentOptions = {}): Instrumentation {
  const { tracerProvider, meterProvider, summarize } = options;
  const listener = new Listener(pool, summarize);
  listener.setTracer((tracerProvider ?? traces).getTracer(NAME, VERSION));
  listener.setMeter((meterProvider ?? metrics).getMeter(NAME, VERSION));
  listener.start();
  return {
    instrumentationName: NAME,
    instrumentationVersion: VERSION,
    enable: () => listener.start(),
    disable: () => listener.stop(),
    setTracerProvider: (provider) => listener.setTracer(provider.getTracer(NAME, VERSION)),
    setMeterProvider: (provider) => listener.setMeter(provider.getMeter(NAME, VERSION)),
    setConfig: ({ enabled }) => (enabled === false ? listener.stop() : listener.start()),
    getConfig: () => ({ enabled: listener.listens }),
  };
}
