import { afterAll, beforeAll, expect, test } from 'vitest';
import { held, json } from '../support/answers.ts';
import { open } from '../support/http-client.ts';
import { lockTable, lockTableNext, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { expectTree, startTraced, type Traced } from './traces.ts';

let traced: Traced;

beforeAll(async () => { traced = await startTraced({ OTEL_TRACES_SAMPLER: 'always_on' }); });
afterAll(() => traced.stop());

const recommendations = ['internal recommendations', ['client GET /recommendations']] as const;
const analytics = ['internal analytics', ['client SELECT analytics']] as const;
const userData = ['internal user_data', ['client SELECT users']] as const;

test('requests that share a batch: the query is in the trace of the first, and both show the way to each other', async () => {
  const { database, upstream, receiver, service } = traced;
  const before = upstream.requests.length;
  const locks = await Promise.all(['users', 'analytics'].map((table) => lockTable(database.url, table)));
  // Two queries of each table are under way, so the next two requests wait together and travel in one of each.
  const ahead = [service.ask(1)];
  await waitUntilBusy(database.url, { count: 2 });
  ahead.push(service.ask(2));
  await waitUntilBusy(database.url, { count: 4 });
  const shared = [service.ask(3)];
  // Who has asked the recommender has asked for the other parts as well.
  await upstream.received(before + 3);
  shared.push(service.ask(4));
  await upstream.received(before + 4);
  await Promise.all(locks.map((lock) => lock.release()));
  for (const reply of await Promise.all(ahead)) await expectTree(receiver, reply, ['server GET /api/aggregated', analytics, recommendations, userData]);

  const [first, second] = await Promise.all(shared);
  const leader = await expectTree(receiver, first!, [
    'server GET /api/aggregated',
    ['internal analytics', ['internal batch', ['client SELECT analytics']]],
    recommendations,
    ['internal user_data', ['internal batch', ['client SELECT users']]],
  ]);
  const follower = await expectTree(receiver, second!, ['server GET /api/aggregated', ['internal analytics'], recommendations, ['internal user_data']]);
  for (const part of ['user_data', 'analytics']) {
    const batch = leader.spans.find(({ name, parentSpanId }) => name === 'batch' && parentSpanId === leader.span(part).spanId);
    expect(batch?.attributes).toEqual({ 'tributary.shared.callers': 2, 'tributary.batch.size': 2 });
    expect(batch?.links).toEqual([{ traceId: follower.spans[0]?.traceId, spanId: follower.span(part).spanId, attributes: {} }]);
    expect(follower.links(part)).toEqual([batch?.spanId]);
    const work = { 'tributary.shared.callers': 2, 'tributary.shared.work_ms': expect.any(Number) };
    expect(leader.span(part).attributes).toMatchObject({ ...work, 'tributary.shared.role': 'leader', 'tributary.served': 'live' });
    expect(follower.span(part).attributes).toMatchObject({ ...work, 'tributary.shared.role': 'follower', 'tributary.served': 'live' });
  }
  expect(leader.span('SELECT users').attributes).toMatchObject({ 'db.response.returned_rows': 2 });
});

test('requests that share a question to the recommender: it is in the trace of the first, and both show the way to each other', async () => {
  const { database, upstream, receiver, service } = traced;
  const recommender = held(json(['shared']));
  upstream.answer(recommender.answer);
  const before = upstream.requests.length;
  const lock = await lockTable(database.url, 'users');
  const both = [service.ask(5)];
  await waitUntilBusy(database.url);
  both.push(service.ask(5));
  // Who has asked for their user has asked for the other parts as well.
  await waitUntilBusy(database.url, { count: 2 });
  recommender.release();
  await lock.release();
  const [first, second] = await Promise.all(both);
  expect(upstream.requests).toHaveLength(before + 1);
  const leader = await expectTree(receiver, first!, ['server GET /api/aggregated', analytics, recommendations, userData]);
  const follower = await expectTree(receiver, second!, ['server GET /api/aggregated', analytics, ['internal recommendations'], userData]);
  expect(follower.links('recommendations')).toEqual([leader.span('recommendations').spanId]);
  expect(leader.links('recommendations')).toEqual([follower.span('recommendations').spanId]);
  const shared = { 'tributary.shared.callers': 2, 'tributary.shared.work_ms': expect.any(Number), 'tributary.served': 'live', 'tributary.outcome': 'answered' };
  expect(leader.span('recommendations').attributes).toMatchObject({ ...shared, 'tributary.shared.role': 'leader' });
  expect(follower.span('recommendations').attributes).toMatchObject({ ...shared, 'tributary.shared.role': 'follower' });
  expect(upstream.requests.at(-1)?.headers['traceparent']).toBe(`00-${leader.spans[0]?.traceId}-${leader.span('GET /recommendations').spanId}-01`);
});

test('who leaves a shared batch keeps its trace, the others their answer, and nothing is said to spans that are over', async () => {
  const { database, upstream, receiver, service } = traced;
  const said = service.log.length;
  upstream.answer(json(['a', 'b']));
  const before = upstream.requests.length;
  const lock = await lockTable(database.url, 'users');
  const ahead = [service.ask(6)];
  await waitUntilBusy(database.url);
  ahead.push(service.ask(7));
  await waitUntilBusy(database.url, { count: 2 });
  const next = await lockTableNext(database.url, 'users');
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  using leaving = await open(`${service.url}/api/aggregated?user_id=8`, { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
  await upstream.received(before + 3);
  const staying = service.ask(9);
  await upstream.received(before + 4);
  await lock.release();
  await Promise.all(ahead);
  await waitUntilBusy(database.url);
  leaving.reset();
  await receiver.waitFor((spans) => spans.some((span) => span.traceId === traceId && span.kind === 'server'));
  await (await next.taken).release();
  const reply = await staying;
  expect(reply.json).toMatchObject({ user_data: { name: 'User 9' } });
  await waitUntilIdle(database.url);
  const follower = await expectTree(receiver, reply, ['server GET /api/aggregated', analytics, recommendations, ['internal user_data']]);
  const all = await receiver.waitFor((spans) => spans.some((span) => span.traceId === traceId && span.name === 'SELECT users'));
  const left = all.filter((span) => span.traceId === traceId);
  expect(left.find(({ kind }) => kind === 'server')?.attributes).toMatchObject({ 'http.response.status_code': 499 });
  expect(left.find(({ name }) => name === 'batch')?.links).toMatchObject([{ spanId: follower.span('user_data').spanId }]);
  expect(follower.span('user_data').attributes).toMatchObject({ 'tributary.shared.callers': 2, 'tributary.shared.role': 'follower' });
  // OpenTelemetry complains of what is done to a span that has ended.
  expect(service.log.slice(said).filter(({ level }) => Number(level) > 30)).toEqual([]);
});

test('who joins a question after its first asker has left is linked with it all the same, and nothing is said to spans that are over', async () => {
  const { database, upstream, receiver, service } = traced;
  const said = service.log.length;
  const recommender = held(json(['shared']));
  upstream.answer(recommender.answer);
  const before = upstream.requests.length;
  const lock = await lockTable(database.url, 'users');
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4737';
  using leaving = await open(`${service.url}/api/aggregated?user_id=10`, { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
  await waitUntilBusy(database.url);
  const staying = [service.ask(10)];
  await waitUntilBusy(database.url, { count: 2 });
  leaving.reset();
  const gone = await receiver.waitFor((spans) => spans.some((span) => span.traceId === traceId && span.kind === 'server'));
  const first = gone.find((span) => span.traceId === traceId && span.name === 'recommendations');
  staying.push(service.ask(10));
  await waitUntilBusy(database.url, { count: 2 });
  recommender.release();
  await lock.release();
  const [, late] = await Promise.all(staying);
  expect(upstream.requests).toHaveLength(before + 1);
  const follower = await expectTree(receiver, late!, ['server GET /api/aggregated', analytics, ['internal recommendations'], userData]);
  expect(follower.links('recommendations')).toEqual([first?.spanId]);
  expect(follower.span('recommendations').attributes).toMatchObject({ 'tributary.shared.role': 'follower' });
  expect(service.log.slice(said).filter(({ level }) => Number(level) > 30)).toEqual([]);
});
