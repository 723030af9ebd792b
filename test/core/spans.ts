import { type Attributes, diag, type SpanContext, trace as api } from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect } from 'vitest';
import { SpanKind, startSpan, type Trace } from '../../src/core/trace.ts';

/** A span as it was when it ended. */
export interface Ended {
  readonly name: string;
  readonly kind: SpanKind;
  readonly parent: SpanContext | undefined;
  readonly attributes: Attributes;
  readonly status: ReadableSpan['status'];
  /** The ids of the spans it is linked with. */
  readonly links: readonly string[];
  readonly spanId: string;
  readonly traceId: string;
}

/** Records, in every test of a file, the spans that have ended, in the order in which they did. */
export function recordSpans(): readonly Ended[] {
  const ended: Ended[] = [];
  const provider = new TracerProvider({
    spanProcessors: [{
      onStart: () => {},
      onEnd: (span) => { ended.push(plain(span)); },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }],
  });
  api.setGlobalTracerProvider(provider);
  const misuse: string[] = [];
  diag.setLogger({ verbose() {}, debug() {}, info() {}, warn: (message) => { misuse.push(message); }, error: (message) => { misuse.push(message); } });
  beforeEach(() => { ended.length = misuse.length = 0; });
  afterEach(() => { expect(misuse, 'what the SDK says of spans that are used after their end').toEqual([]); });
  return ended;
}

/** The trace of a request that is sampled. */
export const sampledTrace = (name = 'GET /'): Trace & { readonly span: NonNullable<Trace['span']> } =>
  startSpan(name, { kind: SpanKind.SERVER, parent: undefined });

/** The trace of a request that is not. */
export const unsampledTrace = (): Trace => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), span: undefined });

function plain(span: ReadableSpan): Ended {
  const { name, kind, parentSpanContext, attributes, status, links } = span;
  const { spanId, traceId } = span.spanContext();
  return { name, kind, parent: parentSpanContext, attributes: { ...attributes }, status, links: links.map(({ context }) => context.spanId), spanId, traceId };
}
