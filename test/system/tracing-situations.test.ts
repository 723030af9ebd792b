import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Cache } from '../../src/cache/cache.ts';
import { createHttpClient } from '../../src/clients/http.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { source } from '../../src/policies/source.ts';
import { hang, json, reset, status } from '../support/answers.ts';
import type { OtlpReceiver } from '../support/otlp-receiver.ts';
import { scripted } from '../support/scripted.ts';
import { until } from '../support/until.ts';
import { startUpstream } from '../support/upstream.ts';
import { type Asked, receiveSpans, situation, unrecorded } from './situation.ts';

let receiver: OtlpReceiver;

beforeAll(async () => { receiver = await receiveSpans(); });
afterAll(() => receiver.stop());

const lost = new Failure('source_failed', 'the connection was lost');
const cache = () => new Cache({ bytesMax: 1_000_000 });
const kept = { subject: 'id', fresh: '10m' } as const;

describe('kept answers', () => {
  test('a miss is live, a hit says that it came from the cache and how old it is', async () => {
    await using it = await situation(receiver, source({ name: 'it', load: async ({ id }: Asked) => new JsonText(`"${id}"`), cache: { in: cache(), ...kept } }));
    const miss = await it.trace(await it.ask('a'));
    expect(miss.part.attributes).toMatchObject({ 'tributary.outcome': 'answered', 'tributary.served': 'live' });
    const hit = await it.trace(await it.ask('a'));
    expect(hit.part.attributes).toMatchObject({ 'tributary.outcome': 'answered', 'tributary.served': 'cache', 'tributary.age_ms': expect.any(Number) });
    expect(hit.spans).toHaveLength(2);
  });

  test('a stale answer says so, and its span and that of the load behind it show the way to each other', async () => {
    await using it = await situation(receiver, source({ name: 'it', load: async () => new JsonText('1'), cache: { in: cache(), subject: 'id', fresh: '1ms', stale: '10m' } }));
    await it.ask('a');
    const loadedAt = performance.now();
    await until(() => performance.now() - loadedAt > 2, () => 'expected time to pass');
    const { part } = await it.trace(await it.ask('a'));
    expect(part.attributes).toMatchObject({ 'tributary.outcome': 'answered', 'tributary.served': 'stale', 'tributary.age_ms': expect.any(Number) });
    const refreshOf = () => receiver.spans.find(({ name, links }) => name === 'refresh' && links.some(({ spanId }) => spanId === part.spanId));
    await receiver.waitFor(() => refreshOf() !== undefined);
    const refresh = refreshOf()!;
    expect(part.links).toMatchObject([{ traceId: refresh.traceId, spanId: refresh.spanId }]);
    expect([refresh.traceId === part.traceId, refresh.parentSpanId, refresh.status.code]).toEqual([false, undefined, 'unset']);
  });

  test('an answer that is kept instead of a failure says of which', async () => {
    let fails = false;
    const load = async () => { if (fails) throw lost; return new JsonText('1'); };
    await using it = await situation(receiver, source({ name: 'it', load, cache: { in: cache(), subject: 'id', fresh: '1ms', staleIfError: '10m' } }));
    await it.ask('a');
    fails = true;
    const loadedAt = performance.now();
    await until(() => performance.now() - loadedAt > 2, () => 'expected time to pass');
    const { part } = await it.trace(await it.ask('a'));
    expect(part).toMatchObject({ status: { code: 'unset' }, attributes: { 'tributary.outcome': 'answered', 'tributary.served': 'stale', 'tributary.mended': 'source_failed' } });
  });
});

test.each([
  ['coalesced', (load: never) => source<Asked, unknown>({ name: 'it', load, key: ({ id }) => id })],
  ['loaded for a cache', (load: never) => source<Asked, unknown>({ name: 'it', load, cache: { in: cache(), ...kept } })],
])('who share a load that is %s say how many they were, how long it took and who they are, and are linked', async (_, made) => {
  const script = scripted<Asked, unknown>();
  await using it = await situation(receiver, made(script.source as never));
  const first = it.ask('a');
  const ask = await script.next();
  const others = [it.ask('a'), it.ask('a')];
  await until(() => it.edge.underWay === 3, () => 'expected three requests');
  ask.resolve(new JsonText('1'));
  const leader = await it.trace(await first);
  const followers = await Promise.all((await Promise.all(others)).map((reply) => it.trace(reply)));
  const shared = { 'tributary.outcome': 'answered', 'tributary.served': 'live', 'tributary.shared.callers': 3, 'tributary.shared.work_ms': expect.any(Number) };
  expect(leader.part.attributes).toMatchObject({ ...shared, 'tributary.shared.role': 'leader' });
  expect(leader.part.links.map(({ spanId }) => spanId).toSorted()).toEqual(followers.map(({ part }) => part.spanId).toSorted());
  for (const { part } of followers) {
    expect(part.attributes).toMatchObject({ ...shared, 'tributary.shared.role': 'follower' });
    expect(part.links).toMatchObject([{ traceId: leader.part.traceId, spanId: leader.part.spanId }]);
  }
  expect(script.asked).toHaveLength(1);
});

describe('attempts over HTTP', () => {
  const answer = z.array(z.string());

  test('a retry is a span beside the first attempt, and the part says of what', async () => {
    await using upstream = await startUpstream();
    upstream.answer(json(['a']));
    const client = createHttpClient({ name: 'it', url: upstream.url });
    await using it = await situation(receiver, source({ name: 'it', load: (_: Asked, call) => client.get({ path: '/it', answer }, call), retry: true }));
    // A retry is paid for by ten answers.
    for (let count = 0; count < 20; count++) await it.ask('a', unrecorded);
    upstream.answer(reset, json(['a']));
    const { part, spans } = await it.trace(await it.ask('a'));
    expect(part).toMatchObject({ status: { code: 'unset' }, attributes: { 'tributary.outcome': 'answered', 'tributary.served': 'live', 'tributary.retried': 'source_failed' } });
    const attempts = spans.filter(({ name }) => name === 'GET /it');
    expect(attempts.map(({ status: { code }, parentSpanId }) => [code, parentSpanId])).toEqual([['error', part.spanId], ['unset', part.spanId]]);
    await client.close();
  });

  test('a hedge is a span beside the slow attempt, which is stopped and no error; the part says who won', async () => {
    await using one = await startUpstream();
    await using other = await startUpstream();
    const client = createHttpClient({ name: 'it', url: [one.url, other.url] });
    await using it = await situation(receiver, source({ name: 'it', load: (_: Asked, call) => client.get({ path: '/it', answer }, call), hedge: true }));
    for (const upstream of [one, other]) upstream.answer(json(['a']));
    // Before so many answers nobody knows what slow is.
    for (let count = 0; count < 110; count++) await it.ask('a', unrecorded);
    const before = [one.requests.length, other.requests.length];
    for (const upstream of [one, other]) upstream.answer(hang);
    const reply = it.ask('b');
    await until(() => one.requests.length > before[0]! || other.requests.length > before[1]!, () => 'expected the first attempt');
    (one.requests.length > before[0]! ? other : one).answer(json(['late']));
    const { part, spans } = await it.trace(await reply);
    expect(part.attributes).toMatchObject({ 'tributary.outcome': 'answered', 'tributary.hedged': 'the second attempt won' });
    const attempts = spans.filter(({ name }) => name === 'GET /it');
    expect(new Set(attempts.map(({ attributes }) => attributes['server.port']))).toEqual(new Set([one.port, other.port]));
    expect(attempts).toHaveLength(2);
    expect(attempts.map(({ status: { code } }) => code)).toEqual(['unset', 'unset']);
    await client.close();
  });

  test('where every endpoint is left out, the part says that the breakers refused it, and nothing is asked', async () => {
    await using one = await startUpstream();
    await using other = await startUpstream();
    const client = createHttpClient({ name: 'it', url: [one.url, other.url] });
    await using it = await situation(receiver, source({ name: 'it', load: (_: Asked, call) => client.get({ path: '/it', answer }, call) }));
    for (const upstream of [one, other]) upstream.answer(status(500));
    for (let count = 0; count < 40; count++) await it.ask('a', unrecorded);
    const { part, spans } = await it.trace(await it.ask('b'));
    expect(part).toMatchObject({ status: { code: 'error' }, attributes: { 'tributary.outcome': 'source_resting', 'error.type': 'source_resting', 'tributary.refused': 'breakers' } });
    expect(spans).toHaveLength(2);
    await client.close();
  });
});

describe('what is refused', () => {
  test('by the guard of a source that fails', async () => {
    await using it = await situation(receiver, source({ name: 'it', load: () => Promise.reject(lost), guard: { slow: '1s' } }));
    for (let count = 0; count < 30; count++) await it.ask('a', unrecorded);
    // Nine in ten are refused at the most, so some are let through to be tried.
    const traces = await Promise.all((await Promise.all(Array.from({ length: 30 }, () => it.ask('b')))).map((reply) => it.trace(reply)));
    const refused = traces.filter(({ part }) => part.attributes['tributary.refused'] === 'guard');
    expect(refused.length).toBeGreaterThan(0);
    for (const { part } of refused) expect(part.attributes).toMatchObject({ 'tributary.outcome': 'source_resting', 'error.type': 'source_resting' });
    for (const { part } of traces) expect(['source_resting', 'source_failed']).toContain(part.attributes['tributary.outcome']);
  });

  test('by the bound on what is under way', async () => {
    const script = scripted<Asked, unknown>();
    await using it = await situation(receiver, source({ name: 'it', load: script.source, limit: { underWay: 1, waiting: 0 } }));
    const first = it.ask('a');
    const ask = await script.next();
    const { part } = await it.trace(await it.ask('b'));
    expect(part.attributes).toMatchObject({ 'tributary.outcome': 'overloaded', 'error.type': 'overloaded', 'tributary.refused': 'limit' });
    ask.resolve(1);
    expect((await it.trace(await first)).part.attributes).toMatchObject({ 'tributary.outcome': 'answered' });
  });

  test('in a brownout: a part that is left out has its span, and the answer says that it is missing', async () => {
    const script = scripted<Asked, unknown>();
    await using it = await situation(receiver, source({ name: 'it', load: script.source }));
    it.edge.load = { inFlight: 0, brownout: true, landed: () => undefined, released: () => undefined };
    const trace = await it.trace(await it.ask('a'));
    expect(trace.part.attributes).toMatchObject({ 'tributary.outcome': 'overloaded', 'error.type': 'overloaded' });
    expect(trace.span('GET /api/situation').attributes).toMatchObject({ 'http.response.status_code': 200, 'tributary.complete': false, 'tributary.missing': ['it'] });
    expect(script.asked).toEqual([]);
  });

  test('when requests are shed: a span without parts, in the trace of its caller, ten a second at the most', async () => {
    const script = scripted<Asked, unknown>();
    await using it = await situation(receiver, source({ name: 'it', load: script.source }), { inFlightMax: 1 });
    const first = it.ask('a');
    const ask = await script.next();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4738';
    const beganAt = performance.now();
    const replies = await Promise.all(Array.from({ length: 20 }, () => it.ask('b', { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } })));
    const mostRecorded = 1 + Math.ceil((performance.now() - beganAt) / 100);
    expect(replies.map((reply) => [reply.status, String(reply.headers['traceresponse']).split('-')[1]])).toEqual(replies.map(() => [503, traceId]));
    ask.resolve(1);
    await it.trace(await first);
    const shed = receiver.spans.filter((span) => span.traceId === traceId);
    expect(shed.length).toBeGreaterThan(0);
    expect(shed.length).toBeLessThanOrEqual(mostRecorded);
    for (const span of shed) {
      expect(span).toMatchObject({ name: 'GET', kind: 'server', parentSpanId: '00f067aa0ba902b7', status: { code: 'error' }, attributes: { 'http.response.status_code': 503, 'error.type': 'overloaded', 'tributary.shed': true, 'tributary.complete': false } });
    }
  });
});

test('a part that is given up at its time-out says so, and how much time it had', async () => {
  const script = scripted<Asked, unknown>();
  await using it = await situation(receiver, source({ name: 'it', load: script.source, timeout: '20ms' }));
  const { part } = await it.trace(await it.ask('a'));
  expect(part).toMatchObject({ status: { code: 'error' }, attributes: { 'tributary.outcome': 'deadline_exceeded', 'error.type': 'deadline_exceeded' } });
  expect(part.attributes['tributary.left_ms']).toBeGreaterThan(20);
});
