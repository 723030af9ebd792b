import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace as api } from '@opentelemetry/api';
import type { TracerProvider } from '@opentelemetry/sdk-trace';

export const traceOne = '0af7651916cd43dd8448eb211c80319c';

/** A request with a part that failed, as the SDK makes it; the id of its trace, which is `traceOne`. */
export function record(provider: TracerProvider): string {
  const tracer = provider.getTracer('tributary');
  const parent = { traceId: traceOne, spanId: 'b7ad6b7169203331', traceFlags: 1, isRemote: true };
  const server = tracer.startSpan('GET /api/overview', { kind: SpanKind.SERVER, startTime: [1_700_000_000, 123_456_789] }, api.setSpanContext(ROOT_CONTEXT, parent));
  const under = api.setSpan(ROOT_CONTEXT, server);
  const part = tracer.startSpan('user_data', { attributes: { 'tributary.part': 'user_data', list: ['a', 'é'], half: 0.5, yes: true, whole: -42 }, startTime: [1_700_000_000, 125_000_000] }, under);
  const query = tracer.startSpan('SELECT users', { kind: SpanKind.CLIENT, startTime: [1_700_000_000, 125_500_000], attributes: { 'db.query.text': 'select 1' }, links: [{ context: parent }] }, api.setSpan(ROOT_CONTEXT, part));
  query.setStatus({ code: SpanStatusCode.ERROR, message: 'no answer' });
  query.end([1_700_000_000, 130_000_000]);
  part.setAttribute('error.type', 'deadline_exceeded').setStatus({ code: SpanStatusCode.ERROR, message: 'too late' });
  part.end([1_700_000_000, 131_000_000]);
  server.setAttributes({ 'http.response.status_code': 504 });
  server.end([1_700_000_000, 133_456_789]);
  return traceOne;
}
