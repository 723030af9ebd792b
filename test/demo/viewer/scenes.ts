import { ROOT_CONTEXT, type Context, type Span, SpanKind, trace as api, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Viewer } from '../../../demo/dev/viewer/viewer.ts';

/** Sends a viewer what `record` makes, as a gateway would. */
export async function send(viewer: Viewer, record: (provider: TracerProvider) => void): Promise<void> {
  const exporter = new OTLPTraceExporter({ url: `${viewer.endpoint}/v1/traces` });
  const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: 20_000 })] });
  record(provider);
  await provider.shutdown();
}

const route = '/api/aggregated';
const begin = Date.UTC(2026, 0, 1);

interface Told {
  readonly kind?: SpanKind;
  readonly from: number;
  readonly attributes?: Record<string, string | number>;
}

/** A span that begins `from` ms after the scene does, below `above`. */
const start = (tracer: Tracer, name: string, { kind = SpanKind.INTERNAL, from, attributes = {} }: Told, above?: Span): Span => {
  const context: Context = above ? api.setSpan(ROOT_CONTEXT, above) : ROOT_CONTEXT;
  return tracer.startSpan(name, { kind, startTime: begin + from, attributes }, context);
};
const end = (span: Span, at: number): void => { span.end(begin + at); };
const part = (name: string, role?: 'leader' | 'follower') => ({ 'tributary.part': name, 'tributary.source': name, 'tributary.served': 'live', ...(role === undefined ? {} : { 'tributary.shared.role': role }) });
const asRequest = { kind: SpanKind.SERVER, attributes: { 'http.response.status_code': 200 } };

/** A thousand requests, of which the recommender answers one in the middle late; the ids of its trace and of its span for that. */
export function oneInAThousand(provider: TracerProvider): { readonly traceId: string; readonly spanId: string } {
  const tracer = provider.getTracer('tributary');
  const ask = (from: number, tookMs: number) => {
    const request = start(tracer, `GET ${route}`, { ...asRequest, from });
    const recommendations = start(tracer, 'recommendations', { from, attributes: part('recommendations') }, request);
    const asked = start(tracer, 'GET /recommendations', { kind: SpanKind.CLIENT, from, attributes: { 'server.address': '127.0.0.1', 'server.port': 7070 } }, recommendations);
    for (const span of [asked, recommendations, request]) end(span, from + tookMs);
    return asked.spanContext();
  };
  for (let count = 0; count < 400; count++) ask(count * 10, 4);
  const slow = ask(4_000, 904);
  for (let count = 401; count < 1_000; count++) ask(count * 10, 4);
  return slow;
}

/** Two requests, of which the second waited for the batch that the first one had started; their trace ids, and the span of the query. */
export function sharedBatch(provider: TracerProvider): { readonly leader: string; readonly follower: string; readonly query: string } {
  const tracer = provider.getTracer('tributary');
  const leader = start(tracer, `GET ${route}`, { ...asRequest, from: 20_000 });
  const follower = start(tracer, `GET ${route}`, { ...asRequest, from: 20_001 });
  const first = start(tracer, 'analytics', { from: 20_001, attributes: part('analytics', 'leader') }, leader);
  const second = start(tracer, 'analytics', { from: 20_001, attributes: part('analytics', 'follower') }, follower);
  const batch = start(tracer, 'batch', { from: 20_002, attributes: { 'tributary.batch.size': 2 } }, first);
  batch.addLink({ context: second.spanContext() });
  second.addLink({ context: batch.spanContext() });
  const query = start(tracer, 'SELECT analytics', { kind: SpanKind.CLIENT, from: 20_002, attributes: { 'db.query.text': 'select count(*)\n       from analytics', 'tributary.pool.wait_ms': 20 } }, batch);
  for (const span of [query, batch, first, second, leader, follower]) end(span, 20_030);
  return { leader: leader.spanContext().traceId, follower: follower.spanContext().traceId, query: query.spanContext().spanId };
}
