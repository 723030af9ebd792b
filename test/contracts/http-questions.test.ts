import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { json, status } from '../support/answers.ts';
import { selfSigned } from '../support/certificate.ts';
import { failing, internals } from '../support/failing.ts';
import { closedPort, startUpstream } from '../support/upstream.ts';
import { about, connectRecommender, gone, Recommendations } from './recommender.ts';

const good = json({ recommendations: [] });

test('any text arrives exactly, and moves nothing else in the URL', async () => {
  await using upstream = await startUpstream();
  upstream.answer(good);
  await using client = connectRecommender(upstream.url);
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.constantFrom('', '&user=1', '#', '/../admin', '//evil', '@evil', '%00', '%', '+', ' ', 'a=b', '\r\nx: y', '\u0000', '[]', '?', ';', "'\"<>`{}|\\^"),
  );
  await fc.assert(fc.asyncProperty(text, text, async (user, other) => {
    using call = startCall(10_000);
    const before = upstream.requests.length;
    await client.get({ path: '/recommendations', query: { user, other }, answer: Recommendations }, call);
    const url = new URL(upstream.requests[before]!.url, 'http://upstream');
    expect([url.host, url.pathname, url.hash]).toEqual(['upstream', '/recommendations', '']);
    expect([...url.searchParams]).toEqual([['user', user], ['other', other]]);
  }), { numRuns: 300 });
});

test('a text that no URL can carry is a failure, and nothing is sent', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url);
  using call = startCall(10_000);
  expect((await failing(client.get(about('\ud800'), call))).message).not.toMatch(internals);
  expect(upstream.requests).toEqual([]);
});

test.each([
  ['', '/recommendations?user=42'],
  ['/', '/recommendations?user=42'],
  ['/api/v1', '/api/v1/recommendations?user=42'],
  ['/api/v1/', '/api/v1/recommendations?user=42'],
  ['/a%2Fb', '/a%2Fb/recommendations?user=42'],
])('a base URL that ends in "%s" asks for %s', async (path, url) => {
  await using upstream = await startUpstream();
  upstream.answer(good);
  await using client = connectRecommender(`${upstream.url}${path}`);
  await client.ask();
  expect(upstream.requests).toMatchObject([{ method: 'GET', url }]);
});

test('a question says what it takes, how long it waits and where it stands in its trace, and nothing of its caller', async () => {
  await using upstream = await startUpstream();
  upstream.answer(good);
  await using client = connectRecommender(upstream.url);
  const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', span: undefined };
  using call = startCall(5_000, trace);
  await client.get(about('42'), call);
  const { headers } = upstream.requests[0]!;
  expect(headers).toEqual({
    host: new URL(upstream.url).host,
    connection: 'keep-alive',
    accept: 'application/json',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    'x-envoy-expected-rq-timeout-ms': expect.stringMatching(/^\d{1,4}$/),
  });
  const leftMs = Number(headers['x-envoy-expected-rq-timeout-ms']);
  expect(leftMs).toBeGreaterThan(0);
  expect(leftMs).toBeLessThanOrEqual(5_000);
});

test('a question without a trace sends none', async () => {
  await using upstream = await startUpstream();
  upstream.answer(good);
  await using client = connectRecommender(upstream.url);
  await client.ask();
  expect(upstream.requests[0]?.headers).not.toHaveProperty('traceparent');
});

test('a call that is over asks nothing', async () => {
  await using upstream = await startUpstream();
  await using client = connectRecommender(upstream.url);
  const call = startCall(5_000);
  call.stop(gone);
  expect(await failing(client.get(about('42'), call))).toBe(gone);
  expect(upstream.requests).toEqual([]);
});

test('a check passes whatever the service says, and fails if it says nothing', async () => {
  await using upstream = await startUpstream();
  upstream.answer(status(500, 'broken'));
  await using client = connectRecommender(upstream.url);
  await using nobody = connectRecommender(`http://127.0.0.1:${await closedPort()}`);
  using call = startCall(5_000);
  await expect(client.check(call)).resolves.toBeUndefined();
  expect(upstream.requests).toMatchObject([{ method: 'GET', url: '/' }]);
  expect((await failing(nobody.check(call))).code).toBe('source_failed');
});

test('where nobody listens the source has failed, each time anew', async () => {
  await using client = connectRecommender(`http://127.0.0.1:${await closedPort()}`, { connections: 1, waitingMax: 0 });
  for (const _time of ['first', 'second', 'third']) {
    const failure = await failing(client.ask());
    expect(failure).toMatchObject({ code: 'source_failed', message: 'the connection to recommendations failed', cause: { code: 'ECONNREFUSED' } });
  }
});

test('a server that cannot prove who it is is asked nothing', async () => {
  const { certificate: cert, key } = selfSigned();
  let asked = 0;
  const server = createServer({ cert, key }, (_, response) => { asked++; response.end('{}'); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  await using client = connectRecommender(`https://localhost:${(server.address() as AddressInfo).port}`);
  const failure = await failing(client.ask());
  expect(failure).toMatchObject({ code: 'source_failed', cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  expect(asked).toBe(0);
  await new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
});
