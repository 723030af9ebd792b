// Row 29. A user id tries to lead the question to the upstream elsewhere: to another host, path or parameter. The origin and
// the path are fixed, and the upstream decodes exactly what was asked.
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createHttpClient, type HttpClient } from '../../src/clients/http.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { json } from '../support/answers.ts';
import { keepAlive } from '../support/http-client.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a text named another host', 'a text would have ended the query', 'a text that no URL can carry was refused', 'a gateway refused a text');

let upstream: Upstream;
/** Where a text would lead to. */
let elsewhere: Upstream;
let client: HttpClient;

beforeAll(async () => {
  [upstream, elsewhere] = await Promise.all([startUpstream(), startUpstream()]);
  upstream.answer(json([]));
  client = createHttpClient({ name: 'the upstream', url: `${upstream.url}/base` });
});
afterAll(async () => {
  await client.close();
  expect(elsewhere.requests).toEqual([]);
  await Promise.all([upstream.stop(), elsewhere.stop()]);
});

/** Texts that lead elsewhere where somebody puts them into a URL as they are. */
const leading = (): readonly string[] => {
  const { host } = new URL(elsewhere.url);
  return [
    `@${host}/`, `//${host}/`, `\\\\${host}\\`, `http://${host}/`, `1@${host}`, `?@${host}`, `1#@${host}/`, `:80@${host}`, `/..//${host}`, `1 HTTP/1.1\r\nHost: ${host}\r\n\r\nGET /`,
    `1\r\nHost: ${host}`, `1&user=2`, '1;user=2', '1#', '1%26user=2', '%2e%2e%2f', '../../admin', '..\\admin', '1%0d%0aX: y', '1\0', '\u2025/', '／／evil', '1\t', '169.254.169.254',
  ];
};

const text = fc.oneof({ weight: 2, arbitrary: fc.nat().map((at) => leading()[at % leading().length]!) }, fc.string({ unit: 'binary', maxLength: 60 }), fc.webUrl())
  .chain((one) => fc.oneof(fc.constant(one), fc.string({ maxLength: 4 }).map((more) => one + more), fc.string({ maxLength: 4 }).map((more) => more + one)));

test('whatever a client is asked for, the upstream decodes exactly that, at the one path of the one origin', async () => {
  await fc.assert(fc.asyncProperty(text, async (user) => {
    using call = startCall(10_000);
    const before = upstream.requests.length;
    await client.get({ path: '/recommendations', query: { user }, answer: z.array(z.string()) }, call);
    const { url, headers, method } = upstream.requests[before]!;
    // Read as whoever serves it would.
    const decoded = new URL(url, upstream.url);
    expect([method, headers.host, decoded.origin, decoded.pathname, decoded.hash, [...decoded.searchParams]]).toEqual(['GET', new URL(upstream.url).host, upstream.url, '/base/recommendations', '', [['user', user]]]);
    expect(upstream.requests).toHaveLength(before + 1);
    saw('a text named another host', user.includes(new URL(elsewhere.url).host));
    saw('a text would have ended the query', /[#&\s]/.test(user));
  }), { numRuns: 500 });
});

test('a text that no URL can carry is refused, and asks nobody', async () => {
  const before = upstream.requests.length;
  for (const user of ['\ud800', 'a\udfffb']) {
    using call = startCall(10_000);
    const outcome = await client.get({ path: '/recommendations', query: { user }, answer: z.array(z.string()) }, call).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(Failure);
    expect(outcome).toMatchObject({ code: 'invalid_input' });
    saw('a text that no URL can carry was refused');
  }
  expect(upstream.requests).toHaveLength(before);
});

test('a gateway refuses every such id before it asks anybody, and asks for the others as they are', async () => {
  await using database = await seedDatabase();
  await using gateway = await startGateway({ database });
  using connection = keepAlive();
  for (const user of leading()) {
    if (/^[\w-]{1,64}$/.test(user)) continue;
    expect((await gateway.ask(encodeURIComponent(user), { connection })).status).toBe(400);
    saw('a gateway refused a text');
  }
  expect(gateway.upstream.requests).toEqual([]);
  const ids = fc.sample(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), 50);
  for (const id of ids) await gateway.ask(id, { connection });
  // A user who is not there ends the answer, perhaps before the recommender is asked.
  for (const { url } of gateway.upstream.requests) expect(ids.map((id) => `/recommendations?user=${id}`)).toContain(url);
  expect(gateway.upstream.requests.length).toBeGreaterThan(0);
});
