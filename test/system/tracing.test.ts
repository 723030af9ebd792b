import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hang, json, stalled, status } from '../support/answers.ts';
import { open } from '../support/http-client.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Database, query, waitUntilBusy, lockTable } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { type Service, startService } from './service.ts';
import { eventsOf } from './streams.ts';
import { expectTree, traceIdOf } from './traces.ts';

let database: Database;
let upstream: Upstream;
let receiver: OtlpReceiver;
/** Samples every request, whatever its caller says. */
let service: Service;
/** Believes its callers. */
let trusting: Service;

beforeAll(async () => {
  [database, upstream, receiver] = await Promise.all([seedDatabase(), startUpstream(), startOtlpReceiver()]);
  upstream.answer(json(['a', 'b']));
  const environment = {
    DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_BSP_SCHEDULE_DELAY: '20',
  };
  [service, trusting] = await Promise.all([
    startService({ ...environment, OTEL_TRACES_SAMPLER: 'always_on' }),
    startService({ ...environment, OTEL_TRACES_SAMPLER: 'parentbased_always_on', TRUST_TRACEPARENT: 'true' }),
  ]);
  // The first request of all learns the types of the key columns besides; that is not what these tests are about.
  await Promise.all([service.ask(1), trusting.ask(1)]);
});
afterEach(() => { upstream.answer(json(['a', 'b'])); });
afterAll(async () => {
  await Promise.all([service[Symbol.asyncDispose](), trusting[Symbol.asyncDispose]()]);
  await Promise.all([upstream.stop(), receiver.stop(), database.drop()]);
});

const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const unique = (() => { let count = 0; return () => ids.traceId.slice(8) + String(10_000_000 + count++); })();

const hops = {
  user_data: ['internal user_data', ['client SELECT users']],
  recommendations: ['internal recommendations', ['client GET /recommendations']],
  analytics: ['internal analytics', ['client SELECT analytics']],
} as const;
const whole = ['server GET /api/aggregated', hops.analytics, hops.recommendations, hops.user_data] as const;

test('a process whose traces have somewhere to go says that it records', () => {
  expect(service.log).toContainEqual(expect.objectContaining({ msg: 'listening', tracing: true }));
  expect(service.stderr).toBe('');
});

test('a request is a tree: the server\'s span, below it the parts, below each its hop', async () => {
  const { spans } = await expectTree(receiver, await service.ask(1), whole);
  expect(new Set(spans.map(({ resource }) => resource['service.name']))).toEqual(new Set(['tributary']));
  expect(spans.map(({ status }) => status.code)).toEqual(spans.map(() => 'unset'));
});

test('each span says what it was about, and none holds an id or a value', async () => {
  await query(database.url, `insert into users values (471147, '{"name": "secret"}') on conflict do nothing`);
  const trace = await expectTree(receiver, await service.ask(471147), whole);
  const { hostname, port, pathname } = new URL(database.url);
  const postgres = { 'db.system.name': 'postgresql', 'db.namespace': pathname.slice(1), 'server.address': hostname, 'server.port': Number(port), 'db.operation.name': 'SELECT' };
  expect(trace.span('GET /api/aggregated').attributes).toEqual({
    'http.request.method': 'GET', 'http.route': '/api/aggregated', 'url.path': '/api/aggregated', 'url.scheme': 'http', 'http.response.status_code': 200, 'tributary.complete': true,
  });
  expect(trace.span('user_data').attributes).toEqual({ 'tributary.source': 'profile', 'tributary.part': 'user_data', 'tributary.served': 'live', 'tributary.outcome': 'answered', 'tributary.left_ms': expect.any(Number) });
  expect(trace.span('SELECT users').attributes).toEqual({
    ...postgres, 'db.query.summary': 'SELECT users', 'db.collection.name': 'users', 'db.response.returned_rows': 1, 'db.query.text': expect.stringMatching(/^select id.* from users where id = any\(\$1\)$/),
  });
  expect(trace.span('SELECT analytics').attributes).toMatchObject({ ...postgres, 'db.collection.name': 'analytics', 'db.response.returned_rows': 0 });
  expect(trace.span('GET /recommendations').attributes).toEqual({
    'http.request.method': 'GET', 'url.full': `${upstream.url}/recommendations`, 'server.address': '127.0.0.1', 'server.port': Number(new URL(upstream.url).port), 'http.response.status_code': 200,
  });
  // Not the ids and times, which are random digits themselves.
  expect(JSON.stringify(trace.spans.map(({ name, attributes, status, events }) => [name, attributes, status, events.map((event) => event.attributes)]))).not.toMatch(/471147|secret/);
});

test('the trace of a caller goes on, and so do its hops at the recommender', async () => {
  const traceId = unique();
  const reply = await service.ask(1, { headers: { traceparent: `00-${traceId}-${ids.spanId}-00` } });
  expect(traceIdOf(reply)).toBe(traceId);
  const trace = await expectTree(receiver, reply, whole);
  const server = trace.span('GET /api/aggregated');
  expect([server.parentSpanId, server.parentIsRemote]).toEqual([ids.spanId, true]);
  expect(reply.headers['traceresponse']).toBe(`00-${traceId}-${server.spanId}-01`);
  expect(upstream.requests.at(-1)?.headers['traceparent']).toBe(`00-${traceId}-${trace.span('GET /recommendations').spanId}-01`);
});

describe('where callers are believed, a request that is not sampled', () => {
  test('makes no span at all, and still has its ids in the reply and at the recommender', async () => {
    const traceId = unique();
    const reply = await trusting.ask(1, { headers: { traceparent: `00-${traceId}-${ids.spanId}-00` } });
    expect(reply.headers['traceresponse']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    expect(upstream.requests.at(-1)?.headers['traceparent']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    // Spans leave in order: when those of a later request have come, any of this one would have.
    await expectTree(receiver, await trusting.ask(1, { headers: { traceparent: `00-${unique()}-${ids.spanId}-01` } }), whole);
    expect(receiver.spans.filter((span) => span.traceId === traceId)).toEqual([]);
  });

  test('is one whose caller said so; without a caller each is sampled', async () => {
    await expectTree(receiver, await trusting.ask(1), whole);
  });
});

test('a hop that fails says so, its part as well, and the server\'s span only what is missing', async () => {
  upstream.answer(status(500, 'secret'));
  const trace = await expectTree(receiver, await service.ask(1), whole);
  expect(trace.span('GET /recommendations')).toMatchObject({
    status: { code: 'error', message: 'the recommendations service answered with an error' }, attributes: { 'error.type': '500', 'http.response.status_code': 500 },
  });
  expect(trace.span('recommendations')).toMatchObject({ status: { code: 'error' }, attributes: { 'error.type': 'source_failed' } });
  const server = trace.span('GET /api/aggregated');
  expect(server).toMatchObject({ status: { code: 'unset' }, attributes: { 'http.response.status_code': 200, 'tributary.complete': false, 'tributary.missing': ['recommendations'] } });
  expect(server.attributes).not.toHaveProperty('error.type');
  expect(JSON.stringify(trace.spans.map(({ attributes, status, events }) => [attributes, status, events.length]))).not.toContain('secret');
});

test('the first request of all asks besides which keys there can be; a query that fails later says with which SQLSTATE', async () => {
  await using own = await seedDatabase();
  await using other = await startService({
    DATABASE_URL: own.url, RECOMMENDATIONS_URL: upstream.url, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '20',
  });
  await expectTree(receiver, await other.ask(1), [
    'server GET /api/aggregated',
    ['internal analytics', ['client SELECT analytics'], ['client SELECT pg_attribute']],
    hops.recommendations,
    ['internal user_data', ['client SELECT pg_attribute'], ['client SELECT users']],
  ]);
  await query(own.url, 'drop table users');
  upstream.answer(hang);
  const reply = await other.ask(1);
  expect(reply.status).toBe(502);
  const trace = await expectTree(receiver, reply, whole);
  expect(trace.span('SELECT users')).toMatchObject({ status: { code: 'error', message: 'a query of the user database failed' }, attributes: { 'error.type': '42P01', 'db.response.status_code': '42P01' } });
  expect(trace.span('GET /api/aggregated')).toMatchObject({ status: { code: 'error' }, attributes: { 'error.type': 'source_failed', 'http.response.status_code': 502, 'tributary.complete': false } });
  // What was stopped because of it did not fail.
  for (const name of ['recommendations', 'GET /recommendations']) expect(trace.span(name).attributes).not.toHaveProperty('error.type');
});

test.each([['nobody', 404], ['!', 400]])('a client\'s mistake is no error of the server\'s: %s', async (id, code) => {
  const reply = await service.ask(id);
  await receiver.waitFor((spans) => spans.some(({ traceId, kind }) => traceId === traceIdOf(reply) && kind === 'server'));
  const server = receiver.spans.find(({ traceId, kind }) => traceId === traceIdOf(reply) && kind === 'server');
  expect(server).toMatchObject({ name: 'GET /api/aggregated', status: { code: 'unset' }, attributes: { 'http.response.status_code': code } });
  expect(server?.attributes).not.toHaveProperty('error.type');
});

test.each([['mid-request', {}], ['mid-stream', { accept: 'text/event-stream' }]])('a client that leaves %s is a 499, and nothing that stopped with it is an error', async (_, headers) => {
  await using _lock = await lockTable(database.url, 'users');
  upstream.answer(stalled);
  const traceId = unique();
  const count = upstream.requests.length;
  using exchange = await open(`${service.url}/api/aggregated?user_id=1`, { headers: { ...headers, traceparent: `00-${traceId}-${ids.spanId}-01` } });
  await upstream.received(count + 1);
  await waitUntilBusy(database.url);
  if ('accept' in headers) await (await eventsOf(exchange, 'text/event-stream')).next();
  exchange.reset();
  const own = () => receiver.spans.filter((span) => span.traceId === traceId);
  await receiver.waitFor(() => own().length >= 7);
  expect(own().map(({ name }) => name).toSorted()).toEqual(['GET /api/aggregated', 'GET /recommendations', 'SELECT analytics', 'SELECT users', 'analytics', 'recommendations', 'user_data']);
  expect(own().find(({ kind }) => kind === 'server')?.attributes).toMatchObject({ 'http.response.status_code': 499, 'tributary.complete': false });
  for (const span of own()) {
    expect([span.name, span.status.code]).toEqual([span.name, 'unset']);
    expect(span.attributes).not.toHaveProperty('error.type');
  }
  // That of the third part may have been there before.
  for (const part of ['user_data', 'recommendations']) {
    expect(own().find(({ name }) => name === part)?.attributes).toMatchObject({ 'tributary.part': part, 'tributary.outcome': 'client_gone', 'tributary.left_ms': expect.any(Number) });
  }
});

describe.concurrent('a collector that', () => {
  test.for([['is not there', 'refused'], ['never answers', 'swallow']] as const)('%s changes nothing for anybody', async ([, how]) => {
    await using relay = await startRelay(receiver.url);
    if (how === 'refused') await relay.refuse();
    else relay.welcome(how);
    await using other = await startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, OTEL_EXPORTER_OTLP_ENDPOINT: relay.url.replace(/\/$/, ''), OTEL_BSP_SCHEDULE_DELAY: '20' });
    for (const id of [1, 2, 3]) expect((await other.ask(id)).status).toBe(200);
    other.signal('SIGTERM');
    expect(await other.ended()).toBe(0);
  });
});
