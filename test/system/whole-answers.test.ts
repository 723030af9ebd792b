import { afterAll, beforeAll, expect, test } from 'vitest';
import { json } from '../support/answers.ts';
import { keepAlive } from '../support/http-client.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { raw } from '../support/raw-http.ts';
import { type Gateway, seedDatabase, startGateway } from './gateway.ts';

let database: Database;
/** For tables of other types. */
let other: Database;
let gateway: Gateway;

beforeAll(async () => {
  [database, other] = await Promise.all([seedDatabase(), createDatabase()]);
  gateway = await startGateway({ database });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await Promise.all([database.drop(), other.drop()]);
});

test('a whole answer is one JSON object, its parts in the order of their definition', async () => {
  const reply = await gateway.ask(1);
  expect(reply.status).toBe(200);
  expect(reply.text).toBe('{"user_data":{"name": "User 1"},"recommendations":["a","b"],"analytics":{"view": 12, "purchase": 3}}');
});

test('its headers say how long each part took, that nobody may pass it on as fresh, and where it stands in its trace', async () => {
  const { headers, body } = await gateway.ask(1);
  expect(headers).toEqual({
    'content-type': 'application/json',
    'content-length': String(body.length),
    'cache-control': 'private, max-age=0',
    etag: expect.stringMatching(/^"[\w-]{27}"$/),
    vary: 'accept',
    traceresponse: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
    'server-timing': expect.stringMatching(/^user_data;dur=[\d.]+, recommendations;dur=[\d.]+, analytics;dur=[\d.]+, traceparent;desc="[-0-9a-f]{55}"$/),
    date: expect.any(String),
    connection: 'close',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(headers['server-timing']).toContain(`traceparent;desc="${String(headers['traceresponse'])}"`);
});

test('one trace id is in the reply, the access line and the question to the recommender', async () => {
  await using own = await startGateway({ database });
  const { headers } = await own.ask(1);
  const [, traceId, spanId] = String(headers['traceresponse']).split('-');
  expect(own.upstream.requests[0]?.headers['traceparent']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  expect(await own.accessLines(1)).toEqual([{
    level: 30, time: expect.any(Number), msg: 'request',
    method: 'GET', route: '/api/aggregated', status: 200, duration_ms: expect.any(Number), trace_id: traceId, span_id: spanId,
  }]);
});

test('a trace that the caller began goes on', async () => {
  await using own = await startGateway({ database });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const { headers } = await own.ask(1, { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } });
  expect(headers['traceresponse']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  expect(headers['traceresponse']).not.toContain('b7ad6b7169203331');
  expect(own.upstream.requests[0]?.headers['traceparent']).toContain(traceId);
});

test('who has done nothing yet has empty activity, which is not a missing part', async () => {
  expect((await gateway.ask(2)).text).toBe('{"user_data":{"name": "User 2"},"recommendations":["a","b"],"analytics":{}}');
});

test.each(['%31', '1&other=2', '01', '1#fragment'])('?user_id=%s asks for user 1', async (id) => {
  expect((await gateway.ask(id)).json).toMatchObject({ user_data: { name: 'User 1' } });
});

test('a HEAD request has the headers and no body', async () => {
  const reply = await gateway.ask(1, { method: 'HEAD' });
  expect([reply.status, reply.text]).toEqual([200, '']);
  expect(reply.headers).toMatchObject({ 'content-type': 'application/json', traceresponse: expect.any(String), 'server-timing': expect.stringContaining('user_data;dur=') });
});

test('a connection carries one request after another', async () => {
  using connection = keepAlive();
  const replies = [await gateway.ask(1, { connection }), await gateway.ask(99, { connection }), await gateway.ask('!', { connection }), await gateway.ask(2, { connection })];
  expect(replies.map(({ status, reused }) => [status, reused])).toEqual([[200, false], [404, true], [400, true], [200, true]]);
});

test('requests that come one upon the other on one connection are answered in their order', async () => {
  const asked = [3, 99, 4].map((id) => `GET /api/aggregated?user_id=${id} HTTP/1.1\r\nHost: gateway\r\n`);
  const replies = await raw(gateway.url, `${asked.join('\r\n')}Connection: close\r\n\r\n`);
  expect(replies.toString().match(/HTTP\/1\.1 \d+|User \d+/g)).toEqual(['HTTP/1.1 200', 'User 3', 'HTTP/1.1 404', 'HTTP/1.1 200', 'User 4']);
});

test.each([
  ['an upgrade that there is not', 'GET /api/aggregated?user_id=3 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n'],
  ['HTTP/1.0', 'GET /api/aggregated?user_id=3 HTTP/1.0\r\n\r\n'],
  ['a whole URL', 'GET http://a/api/aggregated?user_id=3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ['a body of JSON', 'GET /api/aggregated?user_id=3 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'],
])('a request with %s has its answer', async (_, bytes) => {
  expect((await raw(gateway.url, bytes)).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*"User 3"/);
});

test.each([
  ['a whole URL of another host', 400, 'GET http://elsewhere/api/aggregated?user_id=3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ['a body of no type', 415, 'GET /api/aggregated?user_id=3 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody'],
])('a request with %s is refused with %d', async (_, status, bytes) => {
  expect((await raw(gateway.url, bytes)).toString().match(/HTTP\/1\.1 \d+|User \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
});

test.each([
  ['JSON', 'Content-Type: application/json\r\n', ['HTTP/1.1 200', 'User 3', 'HTTP/1.1 404']],
  // Refused, and what follows is not read.
  ['no type', '', ['HTTP/1.1 415']],
])('a body of %s behind a GET is not taken for the next request', async (_, type, heard) => {
  const smuggled = 'GET /api/aggregated?user_id=4 HTTP/1.1\r\nHost: a\r\n\r\n';
  const asked = `GET /api/aggregated?user_id=3 HTTP/1.1\r\nHost: a\r\n${type}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  expect((await raw(gateway.url, asked)).toString().match(/HTTP\/1\.1 \d+|User \d+/g)).toEqual(heard);
});

test('megabytes pass through whole, whatever their letters', async () => {
  await query(database.url, `insert into users select 5000, jsonb_build_object('text', repeat('é🙂', 500000))`);
  expect((await gateway.ask(5000)).json).toMatchObject({ user_data: { text: 'é🙂'.repeat(500_000) } });
});

test('many who ask at the same time each get their own answer', async () => {
  await using own = await startGateway({ database, deadline: '1m' });
  own.upstream.answer((request, response) => { json([`for ${request.url?.split('=')[1]}`])(request, response); });
  const ids = Array.from({ length: 300 }, (_, at) => (at % 150) + 1);
  const replies = await Promise.all(ids.map((id) => own.ask(id, { timeoutMs: 15_000 })));
  // There are twenty.
  expect(replies.map(({ status, json }) => (status === 200 ? json : status))).toEqual(ids.map((id) => (id > 20 ? 404 : {
    user_data: { name: `User ${id}` }, recommendations: [`for ${id}`], analytics: id === 1 ? { view: 12, purchase: 3 } : {},
  })));
});

test.each([
  ['bigint', '9007199254740993', `'{"n": 9007199254740993}'`, '{"n": 9007199254740993}'],
  ['text', 'a-b_C', `'{"é": "\\u2028 🙂 \\" \\\\"}'`, '{"é": "\u2028 🙂 \\" \\\\"}'],
  ['uuid', '0189D2D0-6d5a-7c3e-8b1a-2f4c6e8a0b1d', `'[1e400]'`, `[1${'0'.repeat(400)}]`],
  ['integer', '7', 'null', 'null'],
])('ids of type %s work, and what is stored is passed on digit by digit', async (type, id, data, text) => {
  await query(other.url, `drop table if exists users, analytics`);
  await query(other.url, `create table users as select '${id}'::${type} as id, ${data}::jsonb as data`);
  await query(other.url, `create table analytics as select '${id}'::${type} as user_id, 'view' as event_type, 9223372036854775807 as count`);
  await using own = await startGateway({ database: other });
  expect((await own.ask(id)).text).toBe(`{"user_data":${text},"recommendations":["a","b"],"analytics":{"view": 9223372036854775807}}`);
});

test('nothing that is asked or answered is remembered', async () => {
  await using own = await startGateway({ database });
  own.upstream.answer(json(['first']), json(['second']));
  expect((await own.ask(1)).json).toMatchObject({ recommendations: ['first'] });
  expect((await own.ask(1)).json).toMatchObject({ recommendations: ['second'] });
});
