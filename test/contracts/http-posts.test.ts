import { expect, test } from 'vitest';
import { z } from 'zod';
import type { HttpClient } from '../../src/clients/http.ts';
import { startCall } from '../../src/core/call.ts';
import { hang, json, reset, resetMidBody, status } from '../support/answers.ts';
import { failing } from '../support/failing.ts';
import { closedPort, startUpstream } from '../support/upstream.ts';
import { connectRecommender, gone } from './recommender.ts';

const Length = z.object({ length: z.number() });

async function post(client: HttpClient, safe: boolean) {
  using call = startCall(10_000);
  return await client.post({ path: '/lengths', body: { text: 'ä"\n😀' }, answer: Length, safe }, call);
}

test('a post sends its body as JSON, and has its validated answer', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(`${upstream.url}/base`);
  upstream.answer(json({ length: 4, more: true }));
  expect((await post(client, false)).parse()).toEqual({ length: 4 });
  const [asked] = upstream.requests;
  expect([asked!.method, asked!.url, JSON.parse(asked!.body)]).toEqual(['POST', '/base/lengths', { text: 'ä"\n😀' }]);
  expect(asked!.headers).toEqual({
    host: new URL(upstream.url).host, connection: 'keep-alive', accept: 'application/json', 'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(asked!.body)), 'x-envoy-expected-rq-timeout-ms': expect.stringMatching(/^\d+$/) as string,
  });
});

test.each([
  ['not found', status(404), 'not_found'],
  ['a redirect', status(302, '', { location: '/' }), 'source_failed'],
  ['an error', status(500), 'source_failed'],
  ['what is not JSON', json('x', { headers: { 'content-encoding': 'gzip' } }), 'bad_answer'],
  ['another shape', json({ length: 'four' }), 'bad_answer'],
])('an answer that is %s is a failure', async (_, answer, code) => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url);
  upstream.answer(answer);
  expect((await failing(post(client, true))).code).toBe(code);
});

test.each([
  ['safe', true, [true, false, true]],
  ['not safe', false, [false, false, false]],
])('what is %s may be asked again: before an answer has begun, after that, and where it is asked for', async (_, safe, expected) => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url);
  const retryable: boolean[] = [];
  for (const answer of [reset, resetMidBody, status(503, '', { 'retry-after': '0' })]) {
    upstream.answer(answer);
    retryable.push((await failing(post(client, safe))).retryable);
  }
  expect(retryable).toEqual(expected);
  expect(upstream.requests).toHaveLength(3);
});

test('where nobody listens a post fails', async () => {
  await using client = connectRecommender(`http://127.0.0.1:${await closedPort()}`);
  expect(await failing(post(client, true))).toMatchObject({ code: 'source_failed', retryable: true });
});

test('a post is cut at the upstream when its caller leaves', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url, { connections: 1, waitingMax: 0 });
  upstream.answer(hang);
  const call = startCall(30_000);
  const failed = failing(client.post({ path: '/lengths', body: {}, answer: Length }, call));
  const asked = await upstream.received();
  call.stop(gone);
  expect([await failed, await asked.closed]).toEqual([gone, 'cut']);
});
