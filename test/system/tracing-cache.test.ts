import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectTree, startTraced, type Traced, traceIdOf } from './traces.ts';

let traced: Traced;

beforeAll(async () => { traced = await startTraced({ CACHE: 'memory', OTEL_TRACES_SAMPLER: 'parentbased_always_on', TRUST_TRACEPARENT: 'true' }); });
afterAll(() => traced.stop());

const readyWith = (status: number) => expect.objectContaining({ 'tributary.ready': true, 'tributary.complete': true, 'http.response.status_code': status }) as unknown;

const unsampled = { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' } };

test('a hit has a span for each part, which says that it came from the cache and how old it is; nobody was asked', async () => {
  const { receiver, service } = traced;
  await service.ask(1);
  for (let turn = 0; turn < 3; turn++) {
    const reply = await service.ask(1);
    const trace = await expectTree(receiver, reply, ['server GET /api/aggregated', ['internal analytics'], ['internal recommendations'], ['internal user_data']]);
    for (const part of ['user_data', 'recommendations', 'analytics']) {
      expect(trace.span(part).attributes).toMatchObject({ 'tributary.part': part, 'tributary.served': 'cache', 'tributary.age_ms': expect.any(Number) });
    }
    expect(trace.span('GET /api/aggregated').attributes).toMatchObject({ 'http.response.status_code': 200, 'tributary.complete': true });
  }
});

test('a ready answer leaves the spans that it would leave on the long way, unchanged ones too', async () => {
  const { receiver, service } = traced;
  const { headers: { etag } } = await service.ask(3);
  const spansOf = async (headers: Record<string, string>) => {
    const trace = await expectTree(receiver, await service.ask(3, { headers }), ['server GET /api/aggregated', ['internal analytics'], ['internal recommendations'], ['internal user_data']]);
    for (const span of trace.spans) expect(span.endNs).toBeGreaterThanOrEqual(span.startNs);
    return Object.fromEntries(trace.spans.map(({ name, kind, attributes }) => [name, [kind, {
      ...attributes, 'tributary.age_ms': typeof attributes['tributary.age_ms'], 'tributary.left_ms': typeof attributes['tributary.left_ms'],
    }]]));
  };
  // Says that it has no body, which the lane leaves to the routes.
  const long = await spansOf({ 'content-length': '0' });
  const server = 'GET /api/aggregated';
  expect(await spansOf({})).toEqual({ ...long, [server]: ['server', readyWith(200)] });
  expect(await spansOf({ 'if-none-match': String(etag) })).toEqual({ ...long, [server]: ['server', readyWith(304)] });
  expect(long[server]?.[1]).not.toHaveProperty('tributary.ready');
});

test('a request that is not sampled is answered from the cache without a span, and keeps its trace id', async () => {
  const { receiver, service } = traced;
  await service.ask(2);
  await service.ask(2);
  const reply = await service.ask(2, unsampled);
  expect(String(reply.headers['cache-status'])).toContain('user_data; hit');
  expect(traceIdOf(reply)).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(reply.headers['traceresponse']).toMatch(/-00$/);
  // Spans leave in order: when those of a later request have come, any of this one would have.
  await expectTree(receiver, await service.ask(2), ['server GET /api/aggregated', ['internal analytics'], ['internal recommendations'], ['internal user_data']]);
  expect(receiver.spans.filter(({ traceId }) => traceId === '0af7651916cd43dd8448eb211c80319c')).toEqual([]);
});
