/** A span for each statement, and one around each interaction. */
import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace as traces,
} from "@opentelemetry/api";
import type { InteractionTrace, StatementTrace } from "../diagnostics/channels.js";
import { shownMessage } from "../monitor/redact.js";
import { databaseAttributes, errorAttributes, poolAttributes } from "./attributes.js";
import { queryText } from "./query-text.js";

export class Spans {
  /** That of the spans that begin from now on. */
  tracer: Tracer;
  readonly #open = new Map<object, Span>();

  constructor(tracer: Tracer) {
    this.tracer = tracer;
  }

  beginStatement(trace: StatementTrace, summary: string | undefined): void {
    const { database } = trace.source;
    const text = queryText(trace);
    const attributes: Attributes = {
      ...databaseAttributes(database),
      ...(summary !== undefined && { "db.query.summary": summary }),
      ...(text !== undefined && { "db.query.text": text }),
      ...(trace.batchSize !== undefined &&
        trace.batchSize > 1 && { "db.operation.batch.size": trace.batchSize }),
    };
    const name = summary ?? database.namespace ?? database.system;
    this.#open.set(trace, this.tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }));
  }

  /** What the interaction's function does, its own spans and its statements', is inside of the interaction's span. */
  beginInteraction(trace: InteractionTrace): void {
    const attributes = { ...databaseAttributes(trace.source.database), ...poolAttributes(trace.source) };
    const span = this.tracer.startSpan(trace.verb, { kind: SpanKind.INTERNAL, attributes });
    const { around } = trace;
    trace.around = (call) => {
      const inside = traces.setSpan(context.active(), span);
      return context.with(inside, () => (around === undefined ? call() : around(call)));
    };
    this.#open.set(trace, span);
  }

  end(trace: { readonly error?: unknown }): void {
    const span = this.#open.get(trace);
    if (span === undefined) return;
    this.#open.delete(trace);
    const { error } = trace;
    if (error !== undefined) {
      span.setAttributes(errorAttributes(error));
      span.setStatus({
        code: SpanStatusCode.ERROR,
        ...(error instanceof Error && { message: shownMessage(error) }),
      });
    }
    span.end();
  }

  /** What is under way is heard of no more: its spans end now, those inside of others first. */
  endAll(): void {
    for (const span of [...this.#open.values()].reverse()) span.end();
    this.#open.clear();
  }
}
