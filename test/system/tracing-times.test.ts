import { afterAll, beforeAll, expect, test } from 'vitest';
import { held, json } from '../support/answers.ts';
import { open } from '../support/http-client.ts';
import { startTraced, type Traced } from './traces.ts';

let traced: Traced;

beforeAll(async () => { traced = await startTraced({ CACHE: 'memory', OTEL_TRACES_SAMPLER: 'parentbased_always_on', TRUST_TRACEPARENT: 'true' }); });
afterAll(() => traced.stop());

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = (flags: '00' | '01') => ({ traceparent: `00-${traceId}-b7ad6b7169203331-${flags}` });

/** The access line of each request of the trace, with how long its span says it took; undefined where it has none. */
async function told(lines: number) {
  const access = await traced.service.lines((line) => line['msg'] === 'request' && line['trace_id'] === traceId, lines);
  const spans = traced.receiver.spans.filter((span) => span.kind === 'server' && span.traceId === traceId);
  return access.map(({ span_id: spanId, duration_ms: ms, status }) => {
    const span = spans.find((one) => one.spanId === spanId);
    return { status, line: ms as number, span: span && Number(span.endNs - span.startNs) / 1e6 };
  });
}

test('the access line and the server\'s span of a request tell one duration, and one of a ready answer has no span to be confused with', async () => {
  const { receiver, service, upstream } = traced;
  const before = upstream.requests.length;
  const recommender = held(json(['late']));
  upstream.answer(recommender.answer);
  const replies = [service.ask(1, { headers: parent('01') }), service.ask(2, { headers: { ...parent('01'), accept: 'text/event-stream' } })];
  await upstream.received(before + 2);
  using leaving = await open(`${service.url}/api/aggregated?user_id=3`, { headers: parent('01') });
  await upstream.received(before + 3);
  leaving.reset();
  await told(1);
  recommender.release();
  await Promise.all(replies);
  // Of the same trace, as a client's second try is: it is not sampled, and ready.
  expect((await service.ask(1, { headers: parent('00') })).status).toBe(200);
  expect((await service.ask('!', { headers: parent('01') })).status).toBe(400);
  await receiver.waitFor((spans) => spans.filter((span) => span.kind === 'server' && span.traceId === traceId).length === 4);
  const all = await told(5);
  expect(all.map(({ status }) => Number(status)).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 400, 499]);
  expect(all.filter(({ span }) => span === undefined)).toHaveLength(1);
  // The line rounds.
  for (const { line, span } of all) if (span !== undefined) expect(Math.abs(span - line)).toBeLessThan(0.1);
});
