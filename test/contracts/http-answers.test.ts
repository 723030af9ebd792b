import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FailureCode } from '../../src/core/failure.ts';
import { type Answer, body, closingAfter, flood, json, redirect, reset, resetMidBody, status, truncated, wire } from '../support/answers.ts';
import { failing, internals } from '../support/failing.ts';
import { prototypeTexts, unreadableBodies, wrongShapes } from '../support/hostile-bodies.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { connectRecommender, type Recommender } from './recommender.ts';

let upstream: Upstream;
let client: Recommender;

// One connection and no queue: whatever was not let go of properly would make the next question `overloaded`.
beforeAll(async () => {
  upstream = await startUpstream();
  client = connectRecommender(upstream.url, { connections: 1, waitingMax: 0 });
});
afterAll(async () => {
  await client.close();
  await upstream.allDisconnected();
  await upstream.stop();
});

const good = json({ recommendations: ['a', 'é'] });
const goodText = '{"recommendations":["a","é"]}';

async function failsAs(code: FailureCode, answer: Answer): Promise<void> {
  upstream.answer(answer);
  const failure = await failing(client.ask());
  expect(failure.code).toBe(code);
  expect(failure.message).toMatch(/recommendations/);
  expect(failure.message).not.toMatch(internals);
  expect(failure.cause === undefined || failure.cause instanceof Error).toBe(true);
  upstream.answer(good);
  expect(await client.ask()).toBe(goodText);
}

describe('an answer is passed on', () => {
  test.each<[string, Answer, string]>([
    ['as it was sent, where it is what was asked for', good, goodText],
    ['without the members that nobody asked for', json({ secret: 1, recommendations: [], more: {} }), '{"recommendations":[]}'],
    ['whatever its content type says', body('{"recommendations":[]}', { headers: { 'content-type': 'text/plain' } }), '{"recommendations":[]}'],
    ['if it says that it is not compressed', body('{"recommendations":[]}', { headers: { 'content-encoding': 'identity' } }), '{"recommendations":[]}'],
    ['if it ends with its connection', wire('HTTP/1.0 200 OK\r\n\r\n{"recommendations":[]}'), '{"recommendations":[]}'],
    ['if early hints came before it', wire('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{"recommendations":[]}'), '{"recommendations":[]}'],
    ['on one line, however it was laid out', body('{\r\n  "recommendations": [\n"a\\nb"\n]\n}\n'), '{"recommendations":["a\\nb"]}'],
    ['with every text as it was', json({ recommendations: ['\u2028\u0000"\\\ud83d\ude42'] }), '{"recommendations":["\u2028\\u0000\\"\\\\🙂"]}'],
  ])('%s', async (_, answer, text) => {
    upstream.answer(answer);
    expect(await client.ask()).toBe(text);
  });

  test('up to a megabyte', async () => {
    const empty = '{"recommendations":[""]}';
    const full = empty.replace('""', `"${'a'.repeat(1024 * 1024 - empty.length)}"`);
    upstream.answer(body(full));
    expect(await client.ask()).toBe(full);
    await failsAs('bad_answer', body(`${full} `));
  });
});

test.each([
  ...[400, 401, 403, 409, 410, 422, 429, 500, 502, 503, 504].map((code) => [code, 'source_failed'] as const),
  ...[201, 202, 203, 204, 205, 206, 304].map((code) => [code, 'source_failed'] as const),
  [404, 'not_found'] as const,
])('status %s fails as %s, and what it says stays inside', async (code, failure) => {
  await failsAs(failure, status(code, code === 204 || code === 205 || code === 304 ? '' : 'select * from 127.0.0.1'));
});

test.each([301, 302, 303, 307, 308])('a redirect with %s is not followed', async (code) => {
  await using elsewhere = await startUpstream();
  await failsAs('source_failed', redirect(`${elsewhere.url}/latest/meta-data`, code));
  expect(elsewhere.requests).toEqual([]);
});

test.each<[string, Answer, FailureCode]>([
  ['a reset before a byte', reset, 'source_failed'],
  ['a reset in the body', resetMidBody, 'source_failed'],
  ['an end before what was announced', truncated, 'source_failed'],
  ['an end before a byte', wire(''), 'source_failed'],
  ['an end in the headers', wire('HTTP/1.1 200 OK\r\ncontent-'), 'source_failed'],
  ['an end between chunks', wire('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n'), 'source_failed'],
  ['another protocol', wire('SSH-2.0-OpenSSH_9.2\r\n'), 'bad_answer'],
  ['a chunk of no size', wire('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'), 'bad_answer'],
  ['two lengths', wire('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 22\r\n\r\n{"recommendations":[]}'), 'source_failed'],
  ['a length and chunks', wire('HTTP/1.1 200 OK\r\ncontent-length: 22\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'), 'source_failed'],
  ['a line end in a header', wire('HTTP/1.1 200 OK\r\nx: a\nb\r\ncontent-length: 22\r\n\r\n{"recommendations":[]}'), 'bad_answer'],
  ['a protocol that nobody asked to change to', wire('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'), 'source_failed'],
  ['a go-ahead that nobody waited for', wire('HTTP/1.1 100 Continue\r\n\r\n'), 'source_failed'],
  ['nesting of a quarter million that ends', body('['.repeat(250_000) + ']'.repeat(250_000)), 'bad_answer'],
  ['headers without end', wire(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(200_000)}`), 'source_failed'],
])('%s fails as $2', async (_, answer, code) => { await failsAs(code, answer); });

test.each(Object.entries(unreadableBodies))('%s is a bad answer', async (_, answer) => { await failsAs('bad_answer', answer); });

test.each(Object.entries(wrongShapes))('%s is a bad answer', async (_, answer) => { await failsAs('bad_answer', answer); });

test.each(Object.entries(prototypeTexts))('%s of a prototype reaches none', async (_, text) => {
  upstream.answer(body(text));
  expect(await client.ask().catch(({ code }: { code: string }) => code)).toMatch(/^(bad_answer|\{"recommendations":\[\]\})$/);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test.each([
  ['ten megabytes that are announced', { bytes: 10_000_000, declared: true }],
  ['ten megabytes that are not', { bytes: 10_000_000 }],
  ['what has no end', {}],
])('%s are a bad answer after one, and the rest is never taken', async (_, size) => {
  const big = flood(size);
  await failsAs('bad_answer', big.answer);
  await upstream.allClosed();
  // One megabyte is read; a few more the kernels of both sides hold.
  expect(big.writtenBytes).toBeLessThan(8_000_000);
});

test('what follows an answer uninvited is never taken for the next one', async () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n';
  upstream.answer((request) => request.socket.write(`${head}{"recommendations":[]}${head}{"recommendations": 1}`));
  expect(await client.ask()).toBe('{"recommendations":[]}');
  upstream.answer(good);
  expect(await client.ask()).toBe(goodText);
});

test('a connection is used again after answers of every kind that came whole', async () => {
  await using own = await startUpstream();
  await using fresh = connectRecommender(own.url, { connections: 1 });
  const ports = new Set<number | undefined>();
  const whole = [good, status(404), status(500, 'no'), body('{'), json([]), redirect('/')];
  for (const answer of [...whole, ...whole]) {
    own.answer((request, response) => { ports.add(request.socket.remotePort); answer(request, response); });
    await fresh.ask().catch(() => undefined);
  }
  expect(ports.size).toBe(1);
});

test('a connection that the upstream closes between two questions costs neither of them', async () => {
  await using own = await startUpstream();
  await using fresh = connectRecommender(own.url);
  own.answer(closingAfter(good), good);
  expect(await fresh.ask()).toBe(goodText);
  await own.allDisconnected();
  expect(await fresh.ask()).toBe(goodText);
  own.closeIdle();
  await own.allDisconnected();
  expect(await fresh.ask()).toBe(goodText);
});
