import { type Attributes, type Link, metrics, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace as api } from '@opentelemetry/api';
import { type Failure, failureOf } from './failure.ts';
import { settlesWithin } from './settles-within.ts';

/**
 * Where a call stands in its trace. Every call has ids, for logs and headers; only a sampled one has a span. The span
 * travels in the call and not in an AsyncLocalStorage, because a batch or a coalesced load runs in nobody's async context.
 */
export interface Trace {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Absent where the request is not sampled: then nothing below makes a span either. */
  readonly span: Span | undefined;
}

export { type Attributes, type Span, SpanKind, SpanStatusCode };

/** Some backends refuse a span with many links; the OTel messaging conventions allow the rest to be dropped. */
const linksMax = 32;

const tracer = api.getTracer('tributary');

/** The trace of a span that starts now, or at `startTime` of `performance.now()`, under `parent` or as a root. Its span records only if an SDK is there. */
export function startSpan(
  name: string,
  { parent, attributes = {}, links = [], ...options }: {
    kind: SpanKind;
    parent: Trace | undefined;
    attributes?: Attributes;
    links?: readonly Trace[];
    startTime?: number;
  },
): Trace & { readonly span: Span } {
  const context = parent ? api.setSpan(ROOT_CONTEXT, parent.span ?? remote(parent)) : ROOT_CONTEXT;
  const span = tracer.startSpan(name, { ...options, attributes, links: links.slice(0, linksMax).flatMap(linkTo) }, context);
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId, span };
}

/** Links two spans to each other, so that whichever trace was kept shows the way to the other. */
export function linkBoth(one: Trace | undefined, other: Trace | undefined): void {
  if (!one || !other) return;
  // One that has ended, since who asked first has left, can be linked to and takes no link any more.
  if (one.span?.isRecording()) one.span.addLinks(linkTo(other));
  if (other.span?.isRecording()) other.span.addLinks(linkTo(one));
}

/** Says something about the work on the span it belongs to, if there is one and it has not ended. */
export function note(trace: Trace | undefined, name: string, value: string): void {
  if (trace?.span?.isRecording()) trace.span.setAttribute(name, value);
}

/** Ends a span with its failure, now or at `endTime` of `performance.now()`. Who left by their own will did not fail: that is no error (OTel semconv, `error.type`). */
export function endSpan(span: Span, failure?: Failure, type: string | undefined = failure?.code, endTime?: number): void {
  if (failure && failure.code !== 'call_over' && failure.code !== 'client_gone') {
    span.setAttribute('error.type', type ?? failure.code);
    span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
  }
  span.end(endTime);
}

/** Runs `work` in a span below `parent` where the request is sampled, and as it is where not. */
export async function spanned<T>(
  name: string,
  kind: SpanKind,
  parent: Trace | undefined,
  attributes: Attributes,
  work: (own: Trace | undefined) => Promise<T>,
): Promise<T> {
  if (!parent?.span) return work(parent);
  const own = startSpan(name, { kind, parent, attributes });
  try {
    const answer = await work(own);
    endSpan(own.span);
    return answer;
  } catch (error) {
    endSpan(own.span, failureOf(error));
    throw error;
  }
}

/** True if an SDK is installed that records. A misconfigured SDK is silently a no-op: whoever starts one checks. */
export function isRecording(): boolean {
  const { span } = startSpan('tributary.start', { kind: SpanKind.INTERNAL, parent: undefined });
  const recording = span.isRecording();
  span.end();
  return recording;
}

/** Sends what has been recorded and counted, and closes the SDK, if there is one; waits `ms` at most. */
export async function closeTelemetry(ms: number): Promise<void> {
  const tracers = api.getTracerProvider() as { getDelegate?: () => Closable };
  const all = [tracers.getDelegate?.(), metrics.getMeterProvider()] as readonly (Closable | undefined)[];
  await settlesWithin(Promise.allSettled(all.map(async (one) => { await one?.shutdown?.(); })), ms);
}

interface Closable {
  shutdown?(): Promise<void>;
}

const linkTo = (trace: Trace): Link[] => (trace.span ? [{ context: trace.span.spanContext() }] : []);

const remote = ({ traceId, spanId }: Trace) => api.wrapSpanContext({ traceId, spanId, traceFlags: 1, isRemote: true });

/** The W3C Trace Context header of level 1: `00-<trace id>-<span id>-<flags>`, its flag set where the request is sampled. */
export const traceparent = ({ traceId, spanId, span }: Trace): string => `00-${traceId}-${spanId}-${span ? '01' : '00'}`;
