import { afterAll, beforeAll, expect, test } from 'vitest';
import { json } from '../support/answers.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import type { Database } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { type Service, startService } from './service.ts';
import { expectTree, traceIdOf } from './traces.ts';

let database: Database;
let upstream: Upstream;
let receiver: OtlpReceiver;
let service: Service;

beforeAll(async () => {
  [database, upstream, receiver] = await Promise.all([seedDatabase(), startUpstream(), startOtlpReceiver()]);
  upstream.answer(json(['a', 'b']));
  service = await startService({
    DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, CACHE: 'memory',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_BSP_SCHEDULE_DELAY: '20',
    OTEL_TRACES_SAMPLER: 'parentbased_always_on', TRUST_TRACEPARENT: 'true',
  });
  await service.ask(20);
}, 60_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await Promise.all([upstream.stop(), receiver.stop(), database.drop()]);
});

const unsampled = { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' } };

test('a hit has a span for each part, which says that it came from the cache and how old it is; nobody was asked', async () => {
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

test('a request that is not sampled is answered from the cache without a span, and keeps its trace id', async () => {
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
