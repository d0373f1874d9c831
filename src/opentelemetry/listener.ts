/** Listens to the tracing channels, and hands on what they tell. */
import type { TracingChannelSubscribers } from "node:diagnostics_channel";
import type { Meter, Tracer } from "@opentelemetry/api";
import {
  type AcquireTrace,
  type ConnectTrace,
  channels,
  type InteractionTrace,
  type ReleaseTrace,
  type StatementTrace,
  type TracedPool,
} from "../diagnostics/channels.js";
import { Metrics } from "./metrics.js";
import { firstWord } from "./query-text.js";
import { Spans } from "./spans.js";

interface Begun {
  readonly at: number;
  readonly summary?: string | undefined;
}

export class Listener {
  readonly #only: TracedPool | undefined;
  readonly #summarize: (sql: string) => string | undefined;
  /** Those that have been heard of, until they are closed. */
  readonly #pools = new Set<TracedPool>();
  /** When what is under way began. */
  #begun = new WeakMap<object, Begun>();
  #spans: Spans | undefined;
  #meter: Meter | undefined;
  #metrics: Metrics | undefined;
  #listens = false;

  constructor(only: TracedPool | undefined, summarize = firstWord) {
    this.#only = only;
    this.#summarize = summarize;
    if (only !== undefined) this.#pools.add(only);
  }

  get listens(): boolean {
    return this.#listens;
  }

  setTracer(tracer: Tracer): void {
    if (this.#spans === undefined) this.#spans = new Spans(tracer);
    else this.#spans.tracer = tracer;
  }

  setMeter(meter: Meter): void {
    this.#meter = meter;
    if (!this.#listens) return;
    this.#metrics?.stop();
    this.#metrics = new Metrics(meter, () => this.#living());
  }

  start(): void {
    if (this.#listens) return;
    this.#listens = true;
    if (this.#meter !== undefined) this.setMeter(this.#meter);
    channels.statement.subscribe(this.#statement);
    channels.interaction.subscribe(this.#interaction);
    channels.acquire.subscribe(this.#acquire);
    channels.connect.subscribe(this.#connect);
    channels.release.subscribe(this.#release);
  }

  stop(): void {
    if (!this.#listens) return;
    this.#listens = false;
    channels.statement.unsubscribe(this.#statement);
    channels.interaction.unsubscribe(this.#interaction);
    channels.acquire.unsubscribe(this.#acquire);
    channels.connect.unsubscribe(this.#connect);
    channels.release.unsubscribe(this.#release);
    this.#metrics?.stop();
    this.#metrics = undefined;
    this.#spans?.endAll();
    this.#begun = new WeakMap();
  }

  readonly #statement = subscriber<StatementTrace>({
    start: (trace) => {
      if (!this.#concerns(trace.source)) return;
      const summary = this.#summarize(trace.sql);
      this.#spans?.beginStatement(trace, summary);
      this.#begun.set(trace, { at: performance.now(), summary });
    },
    end: (trace) =>
      this.#over(trace, ({ at, summary }) => {
        this.#spans?.end(trace);
        this.#metrics?.statement(trace.source, summary, performance.now() - at, trace.error);
        if (trace.waitedMillis !== undefined) this.#metrics?.waited(trace.source, trace.waitedMillis);
      }),
  });

  readonly #interaction = subscriber<InteractionTrace>({
    start: (trace) => {
      if (!this.#concerns(trace.source)) return;
      this.#spans?.beginInteraction(trace);
      this.#begun.set(trace, { at: performance.now() });
    },
    end: (trace) => this.#over(trace, () => this.#spans?.end(trace)),
  });

  readonly #acquire = subscriber<AcquireTrace>({
    start: (trace) => this.#timed(trace),
    end: (trace) =>
      this.#over(trace, ({ at }) => {
        if (trace.error === undefined) this.#metrics?.waited(trace.source, performance.now() - at);
      }),
  });

  readonly #connect = subscriber<ConnectTrace>({
    start: (trace) => this.#timed(trace),
    end: (trace) =>
      this.#over(trace, ({ at }) => {
        if (trace.error === undefined) this.#metrics?.connected(trace.source, performance.now() - at);
      }),
  });

  readonly #release = (message: unknown): void => {
    const trace = message as ReleaseTrace;
    if (this.#concerns(trace.source)) this.#metrics?.released(trace);
  };

  #timed(trace: AcquireTrace): void {
    if (this.#concerns(trace.source)) this.#begun.set(trace, { at: performance.now() });
  }

  #over(trace: object, tell: (begun: Begun) => void): void {
    const begun = this.#begun.get(trace);
    if (begun === undefined) return;
    this.#begun.delete(trace);
    tell(begun);
  }

  /** A pool is heard of when it opens its first connection, at the latest. */
  #concerns(source: TracedPool): boolean {
    if (this.#only !== undefined) return source === this.#only;
    this.#pools.add(source);
    return true;
  }

  *#living(): Generator<TracedPool> {
    for (const pool of this.#pools) {
      // Once more when it is over: an SDK goes on reporting what it heard last.
      if (pool.closed && pool.stats.size === 0) this.#pools.delete(pool);
      yield pool;
    }
  }
}

/** A promise's end, for the channel, is the start of what waits for it. */
function subscriber<Trace extends object>(hear: {
  start(trace: Trace): void;
  end(trace: Trace): void;
}): TracingChannelSubscribers<Trace> {
  return { start: hear.start, end: ignore, asyncStart: hear.end, asyncEnd: ignore, error: ignore };
}

function ignore(): void {}
