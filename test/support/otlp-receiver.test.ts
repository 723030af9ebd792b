import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Span, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { request } from './http-client.ts';
import { startOtlpReceiver } from './otlp-receiver.ts';
import { fields } from './protobuf.ts';
import { spanTree } from './span-tree.ts';

/** The SDK's own encoder, sender and batcher: a decoder tested against itself would prove nothing. */
async function received(work: (tracer: Tracer) => void) {
  await using receiver = await startOtlpReceiver();
  const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces`, compression: CompressionAlgorithm.GZIP });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'tributary' }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  work(provider.getTracer('tributary', '1.2.3'));
  await provider.shutdown();
  return await receiver.waitFor((spans) => spans.length > 0);
}

const under = (parent: Span) => trace.setSpan(ROOT_CONTEXT, parent);

test('a span arrives with all it was given', async () => {
  const values = {
    text: 'é €', whole: 42, below: -7, most: Number.MAX_SAFE_INTEGER, broken: 0.1, true: true, false: false, empty: '', zero: 0,
    texts: ['a', ''], numbers: [1, -1.5],
  };
  const sent: Span[] = [];
  const [link, span] = await received((tracer) => {
    const linked = tracer.startSpan('linked', { startTime: [1, 0] }, ROOT_CONTEXT);
    linked.end();
    const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1, isRemote: true };
    const links = [{ context: linked.spanContext(), attributes: { role: 'joined' } }];
    const options = { kind: SpanKind.CLIENT, attributes: values, links, startTime: [1_700_000_000, 123_456_789] as [number, number] };
    const own = tracer.startSpan('SELECT users', options, trace.setSpanContext(context.active(), parent));
    own.addEvent('retried', { after: 3 }, [1_700_000_001, 1]);
    own.setStatus({ code: SpanStatusCode.ERROR, message: 'no answer' });
    own.end([1_700_000_002, 999_999_999]);
    sent.push(linked, own);
  });
  expect(link).toMatchObject({ parentSpanId: undefined, parentIsRemote: false, kind: 'internal', status: { code: 'unset', message: '' } });
  expect(span).toEqual({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: sent[1]?.spanContext().spanId,
    parentSpanId: 'b7ad6b7169203331',
    parentIsRemote: true,
    name: 'SELECT users',
    kind: 'client',
    startNs: 1_700_000_000_123_456_789n,
    endNs: 1_700_000_002_999_999_999n,
    attributes: values,
    events: [{ name: 'retried', timeNs: 1_700_000_001_000_000_001n, attributes: { after: 3 } }],
    links: [{ traceId: sent[0]?.spanContext().traceId, spanId: sent[0]?.spanContext().spanId, attributes: { role: 'joined' } }],
    status: { code: 'error', message: 'no answer' },
    scope: { name: 'tributary', version: '1.2.3' },
    resource: { 'service.name': 'tributary' },
  });
});

test('spans make a tree that does not depend on who ran first', async () => {
  let traceId = '';
  const spans = await received((tracer) => {
    const root = tracer.startSpan('GET /api/aggregated', {}, ROOT_CONTEXT);
    ({ traceId } = root.spanContext());
    for (const [part, hop] of [['user_data', 'SELECT users'], ['analytics', 'SELECT events'], ['analytics', 'GET /a']]) {
      const span = tracer.startSpan(String(part), {}, under(root));
      tracer.startSpan(String(hop), {}, under(span)).end();
      span.end();
    }
    root.end();
    tracer.startSpan('elsewhere', {}, ROOT_CONTEXT).end();
  });
  const tree = [
    'GET /api/aggregated',
    ['analytics', ['GET /a']],
    ['analytics', ['SELECT events']],
    ['user_data', ['SELECT users']],
  ];
  expect(spanTree(spans, traceId)).toEqual(tree);
  expect(spanTree(spans.toReversed(), traceId)).toEqual(tree);
  expect(spanTree(spans.filter(({ name }) => name !== 'user_data'), traceId)).toEqual([
    '2 roots', tree.slice(0, 3), ['SELECT users (parent never arrived)'],
  ]);
  expect(() => spanTree(spans, 'none')).toThrow('expected spans of trace none, but got those of');
});

test('what cannot be read fails the wait, and is refused', async () => {
  await using receiver = await startOtlpReceiver();
  const send = (headers: Record<string, string>) =>
    request(`${receiver.url}/v1/traces`, { method: 'POST', headers, body: Uint8Array.of(0x0a, 0x7f, 0x00) });
  const waiting = expect(receiver.waitFor(() => false)).rejects.toThrow('could not read it');
  expect((await send({ 'content-type': 'application/x-protobuf' })).status).toBe(400);
  await waiting;
  expect((await send({ 'content-type': 'application/json' })).status).toBe(400);
});

test('a wait that is in vain says what came', async () => {
  await using receiver = await startOtlpReceiver();
  await expect(receiver.waitFor(() => false, { timeoutMs: 1 })).rejects.toThrow('expected other spans, but got none');
});

test.each([
  ['a varint that goes on', [0x08, 0x80], 'the message ends'],
  ['a varint too long', [0x08, ...Array.from({ length: 11 }, () => 0x80)], 'at most 10 bytes'],
  ['bytes that are not there', [0x12, 0x05, 0x01], 'expected 5 bytes'],
  ['a group', [0x0b], 'wire type'],
])('protobuf: %s is an error', (_, bytes, message) => {
  expect(() => [...fields(Uint8Array.from(bytes))]).toThrow(message);
});
