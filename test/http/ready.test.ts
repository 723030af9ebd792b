import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { Memory } from '../../src/cache/memory.ts';
import type { Caller, Readers } from '../../src/core/access.ts';
import { Answer, type PartReport } from '../../src/core/answer.ts';
import type { Freshness } from '../../src/core/flight.ts';
import { JsonText } from '../../src/core/json-text.ts';
import type { Authentication, EdgeOptions } from '../../src/http/edge.ts';
import { Ready } from '../../src/http/ready.ts';
import { fakeTime, pass } from '../core/fake-time.ts';
import { caller, operator } from '../support/callers.ts';
import { edgeInMemory } from './in-memory.ts';

fakeTime();

const target = '/api/aggregated?user_id=1';

const fresh = (more: Partial<Freshness> = {}): Freshness =>
  ({ storedAt: performance.now(), freshUntil: performance.now() + 10_000, dropped: false, held: true, tags: [], because: 'miss', ...more });
const report = (part: string, state: PartReport['state'], kept?: Freshness): PartReport => ({ part, state, tookMs: 1, kept });

function staged(options: Partial<EdgeOptions> = {}, readers: Readers = 'operators') {
  const memory = new Memory(100_000);
  const { edge } = edgeInMemory(options);
  const ready = new Ready(edge, memory);
  const keep = (...reports: readonly PartReport[]) => {
    const answer = new Answer(reports.map(({ part }) => part), reports.map(() => new JsonText('1')), reports);
    ready.keep({ target, route: '/api/aggregated', answer, body: '{"é":1}', etag: '"etag"', readers, partsMs: 1_950 });
  };
  /** What is sent for a request with these headers, or undefined where it is left to the routes. */
  const ask = (headers: Record<string, string> = {}, more: Partial<IncomingMessage> = {}) => {
    const sent: { status?: number; headers?: readonly string[]; body?: string } = {};
    const response = {
      writeHead(status: number, given: readonly string[]) { Object.assign(sent, { status, headers: given }); return this; },
      end(body?: string) { Object.assign(sent, { body }); },
    };
    const request = { method: 'GET', url: target, headers, ...more } as IncomingMessage;
    return ready.answer(request, response as unknown as ServerResponse) ? sent : undefined;
  };
  return { memory, edge, ready, keep, ask };
}

test('an answer that can be kept is sent again, a character for each byte', () => {
  const { keep, ask } = staged();
  expect(ask()).toBeUndefined();
  keep(report('user', 'cache', fresh()));
  const sent = ask();
  expect([sent?.status, Buffer.from(sent?.body ?? '', 'latin1').toString()]).toEqual([200, '{"é":1}']);
  expect(sent?.headers).toContain('content-length');
});

test.each([
  ['has a part that was dropped meanwhile', () => [report('user', 'live', fresh({ dropped: true, held: false }))]],
  ['has a part that had to make room before it came', () => [report('user', 'live', fresh()), report('tips', 'live', fresh({ held: false }))]],
  ['is stale in part', () => [report('user', 'cache', fresh()), report('tips', 'stale', fresh({ freshUntil: 0 }))]],
  ['has a part that no cache keeps', () => [report('user', 'cache', fresh()), report('tips', 'live')]],
])('an answer that %s is not', (_, reports) => {
  const { keep, ask } = staged();
  keep(...reports());
  expect(ask()).toBeUndefined();
});

test('it is good until the first of its parts is too old', async () => {
  const { keep, ask } = staged();
  keep(report('user', 'cache', fresh()), report('tips', 'cache', fresh({ freshUntil: performance.now() + 5_000 })));
  await pass(4_999);
  expect(ask()).toBeDefined();
  await pass(1);
  expect(ask()).toBeUndefined();
});

test('it goes with the tags of its parts, though they may have had to make room themselves, and with everything', () => {
  const { memory, keep, ask } = staged();
  for (const forget of [() => memory.dropTag('users:1'), () => memory.dropTag('users:*'), () => memory.clear()]) {
    keep(report('user', 'cache', fresh({ tags: ['users:1'] })), report('tips', 'live', fresh({ tags: ['tips:1'] })));
    expect(ask()).toBeDefined();
    forget();
    expect(ask()).toBeUndefined();
  }
});

test('an answer that was loaded anew takes the place of what was ready', async () => {
  const { keep, ask } = staged();
  keep(report('user', 'cache', fresh()));
  await pass(9_000);
  keep(report('user', 'live', fresh({ because: 'request' })));
  await pass(9_000);
  expect(ask()).toBeDefined();
});

test.each([
  ['another method', {}, { method: 'HEAD' }],
  ['another target', {}, { url: `${target}&x=1` }],
  ['another form', { accept: 'text/event-stream' }, {}],
  ['a body', { 'content-length': '2' }, {}],
  ['a body in chunks', { 'transfer-encoding': 'chunked' }, {}],
])('a request with %s is left to the routes', (_, headers, more) => {
  const { keep, ask } = staged();
  keep(report('user', 'cache', fresh()));
  expect(ask(headers, more)).toBeUndefined();
  expect(ask()).toBeDefined();
});

test('a service that drains leaves requests to the routes', () => {
  const { edge, keep, ask } = staged();
  keep(report('user', 'cache', fresh()));
  edge.drain();
  expect(ask()).toBeUndefined();
});

const known: Readonly<Record<string, Caller>> = { 'Bearer one': caller('1'), 'Bearer two': caller('2'), 'Bearer ops': operator };
const authentication: Authentication = {
  known: (authorization) => known[authorization],
  verified: () => { throw new Error('expected the lane to verify nothing'); },
  holds: () => true,
};
const as = (authorization: string) => ({ authorization });
const headerOf = (sent: { headers?: readonly string[] } | undefined, name: string) => sent?.headers?.[sent.headers.indexOf(name) + 1];

test.each<[Readers, string]>([
  [{ subject: '1' }, 'one, ops'],
  [{ subject: '3' }, 'ops'],
  ['operators', 'ops'],
  ['callers', 'one, two, ops'],
  ['anybody', 'nobody, one, two, ops'],
  [{ role: 'admin' }, 'ops'],
])('an answer for %j is sent here to %s, whether others are open or not', (readers, to) => {
  const { keep, ask } = staged({ authentication, open: true }, readers);
  keep(report('user', 'cache', fresh()));
  const asking = { nobody: {}, one: as('Bearer one'), two: as('Bearer two'), ops: as('Bearer ops'), forged: as('Bearer forged') };
  const sent = Object.entries(asking).filter(([, headers]) => ask(headers) !== undefined);
  expect(sent.map(([name]) => name).join(', ')).toBe(to);
  for (const [, headers] of sent) {
    expect(headerOf(ask(headers), 'vary')).toBe('authorization, accept');
    // Not even that it has not changed is for others to know.
    expect(ask({ ...headers, 'if-none-match': '"etag"' })?.status).toBe(304);
  }
  expect(ask({ ...asking.forged, 'if-none-match': '"etag"' })).toBeUndefined();
});

test('what an answer says of its own, its Cache-Control too, is sent again with it, once', () => {
  const { ready, ask } = staged();
  const answer = new Answer(['user'], [new JsonText('1')], [report('user', 'cache', fresh())]);
  answer.headers = { link: '<x>; rel="next"', 'cache-control': 'public, no-cache' };
  ready.keep({ target, route: '/api/aggregated', answer, body: '1', etag: '"etag"', readers: 'anybody', partsMs: 1_950 });
  for (const headers of [{}, { 'if-none-match': '"etag"' }]) {
    const sent = ask(headers)?.headers ?? [];
    expect(sent.filter((name) => name === 'cache-control')).toHaveLength(1);
    expect([headerOf({ headers: sent }, 'cache-control'), headerOf({ headers: sent }, 'link')]).toEqual(['public, no-cache', '<x>; rel="next"']);
  }
});

test('operators may have it loaded anew, and others get what there is', () => {
  const { keep, ask } = staged({ authentication }, { subject: '1' });
  keep(report('user', 'cache', fresh()));
  expect(ask({ ...as('Bearer ops'), 'cache-control': 'no-cache' })).toBeUndefined();
  expect(ask({ ...as('Bearer one'), 'cache-control': 'no-cache' })).toBeDefined();
});

test.each<[EdgeOptions['serverTiming'], told: string]>([['everybody', 'one, ops'], ['operators', 'ops'], ['nobody', '']])('how long parts took %s hear: %s', (serverTiming, told) => {
  const { keep, ask } = staged({ authentication, serverTiming: serverTiming! }, { subject: '1' });
  keep(report('user', 'cache', fresh()));
  const timings = ['one', 'ops'].map((name) => [name, headerOf(ask(as(`Bearer ${name}`)), 'server-timing')!] as const);
  expect(timings.filter(([, timing]) => timing.startsWith('user;dur=')).map(([name]) => name).join(', ')).toBe(told);
  for (const [, timing] of timings) expect(timing).toMatch(/traceparent;desc="[-0-9a-f]{55}"$/);
});

test('where nobody is asked who they are, a header that says so changes nothing, and nobody is an operator', () => {
  const { keep, ask } = staged({ serverTiming: 'operators' });
  keep(report('user', 'cache', fresh()));
  for (const headers of [{}, as('Bearer ops'), { ...as('Bearer ops'), 'cache-control': 'no-cache' }]) {
    expect([headerOf(ask(headers), 'vary'), headerOf(ask(headers), 'server-timing')]).toEqual(['accept', expect.stringMatching(/^traceparent/)]);
  }
});
