import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Fault } from '../../demo/recommender/faults.ts';
import { train } from '../../demo/recommender/model.ts';
import { createRecommender } from '../../demo/recommender/server.ts';

const model = train([
  { user: 1, product: 'shoes' },
  { user: 2, product: 'shoes' },
  { user: 2, product: 'socks' },
  { user: 3, product: 'tent' },
]);

const [shoes, socks] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-00000000000a'];
const products = new Map([[shoes, 'shoes'], [socks, 'socks']]);

let server: ReturnType<typeof createRecommender>;
let base: string;
let faults: Fault[];

beforeEach(async () => {
  faults = [];
  server = createRecommender({ model, products, trainedInMs: 3, onFault: (fault) => faults.push(fault) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function ask(path: string, method = 'GET'): Promise<{ status: number; body: unknown }> {
  const response = await fetch(base + path, { method });
  return { status: response.status, body: await response.json() };
}

test('one user: an array of slugs', async () => {
  expect(await ask('/recommendations?user=1')).toEqual({ status: 200, body: ['socks', 'tent'] });
});

test('many users: an object by user, each as if asked alone', async () => {
  expect(await ask('/recommendations?user=1&user=2&user=77')).toEqual({
    status: 200,
    body: { 1: ['socks', 'tent'], 2: ['tent'], 77: ['shoes', 'socks', 'tent'] },
  });
});

test('a user nobody knows gets the popular ones, not a 404', async () => {
  expect(await ask('/recommendations?user=2147483647')).toEqual({ status: 200, body: ['shoes', 'socks', 'tent'] });
});

test('what is similar to a product, by id; nothing to one that nobody knows', async () => {
  expect(await ask(`/similar?product=${shoes}`)).toEqual({ status: 200, body: [socks] });
  expect(await ask(`/similar?product=${socks.toUpperCase()}`)).toEqual({ status: 200, body: [shoes] });
  expect(await ask('/similar?product=00000000-0000-4000-8000-0000000000ff')).toEqual({ status: 200, body: [] });
});

test.each([
  ['/similar', 'expected one product, but got 0'],
  [`/similar?product=${shoes}&product=${socks}`, 'expected one product, but got 2'],
  ['/recommendations', 'expected at least one user, as in /recommendations?user=42, but got none'],
  ['/recommendations?user=', 'expected user to be a whole number from 1 to 2147483647, but got ""'],
  ['/recommendations?user=0', 'expected user to be a whole number from 1 to 2147483647, but got "0"'],
  ['/recommendations?user=1.5', 'expected user to be a whole number from 1 to 2147483647, but got "1.5"'],
  ['/recommendations?user=2147483648', 'expected user to be a whole number from 1 to 2147483647, but got "2147483648"'],
  ['/recommendations?user=1&user=x', 'expected user to be a whole number from 1 to 2147483647, but got "x"'],
  ['/recommendations?usr=1', 'expected only the parameters user, mode, delay_ms, but got "usr"'],
  [`/recommendations?${'user=1&'.repeat(501)}`, 'expected at most 500 users, but got 501'],
  ['/recommendations?user=1&mode=sulk', 'expected mode to be one of ok, hang, reset, drip, error, garbage, but got "sulk"'],
  ['/recommendations?user=1&delay_ms=-1', 'expected delay_ms to be a whole number from 0 to 60000, but got "-1"'],
])('a bad question says what was expected: %s', async (path, error) => {
  expect(await ask(path)).toEqual({ status: 400, body: { error } });
});

test('other paths and methods', async () => {
  expect((await ask('/')).status).toBe(404);
  expect((await ask('/__proto__')).status).toBe(404);
  const response = await fetch(`${base}/recommendations?user=1`, { method: 'DELETE' });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
});

test('health says what was learned and which fault is on', async () => {
  await ask('/_control?mode=error&delay_ms=1', 'POST');

  expect(await ask('/health')).toEqual({
    status: 200,
    body: { status: 'ok', users: 3, products: 3, pairs: 2, trained_in_ms: 3, fault: { mode: 'error', delay_ms: 1 } },
  });
});

test('a fault holds until the next control, which states all of it', async () => {
  expect(await ask('/_control?mode=error', 'POST')).toEqual({ status: 200, body: { mode: 'error', delay_ms: 0 } });
  expect((await ask('/recommendations?user=1')).status).toBe(500);
  expect(await ask('/_control?delay_ms=1', 'POST')).toEqual({ status: 200, body: { mode: 'ok', delay_ms: 1 } });
  expect((await ask('/recommendations?user=1')).status).toBe(200);
  expect(await ask('/_control', 'POST')).toEqual({ status: 200, body: { mode: 'ok', delay_ms: 0 } });
  expect(faults.map(({ mode, delayMs }) => [mode, delayMs])).toEqual([['error', 0], ['ok', 1], ['ok', 0]]);
});

test('of so many questions one meets the fault, the last of them, counted since it was told', async () => {
  await ask('/recommendations?user=1');
  expect(await ask('/_control?mode=error&one_in=3', 'POST')).toEqual({ status: 200, body: { mode: 'error', delay_ms: 0, one_in: 3 } });
  const statuses = [];
  for (let count = 0; count < 6; count++) statuses.push((await ask('/recommendations?user=1')).status);
  expect(statuses).toEqual([200, 200, 500, 200, 200, 500]);
  expect((await ask('/_control?one_in=0', 'POST')).body).toEqual({ error: 'expected one_in to be a whole number from 1 to 1000000, but got "0"' });
});

test('a bad control changes nothing', async () => {
  expect((await ask('/_control?mode=hang&dellay_ms=5', 'POST')).status).toBe(400);
  expect((await ask('/recommendations?user=1')).status).toBe(200);
  expect(faults).toEqual([]);
});

test('a fault on one question is for that one alone', async () => {
  expect((await ask('/recommendations?user=1&mode=error')).status).toBe(500);
  expect((await ask('/recommendations?user=1')).status).toBe(200);
});

test('garbage is a 200 that is no JSON', async () => {
  const response = await fetch(`${base}/recommendations?user=1&mode=garbage`);
  const text = await response.text();

  expect(response.status).toBe(200);
  expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
});

test('reset ends the connection without an answer', async () => {
  await expect(fetch(`${base}/recommendations?user=1&mode=reset`)).rejects.toThrow('fetch failed');
});

test('drip answers at once, but the body comes a byte at a time and stops when the client leaves', async () => {
  const leaving = new AbortController();
  const response = await fetch(`${base}/recommendations?user=1&mode=drip`, { signal: leaving.signal });
  const first = await response.body?.getReader().read();
  expect(response.status).toBe(200);
  expect(new TextDecoder().decode(first?.value)).toBe('[');

  leaving.abort();

  await noConnectionLeft();
});

test.each(['mode=hang', 'delay_ms=60000'])('nothing is left when the client of %s leaves', async (fault) => {
  const leaving = new AbortController();
  const arrived = once(server, 'request');
  const asking = fetch(`${base}/recommendations?user=1&${fault}`, { signal: leaving.signal });
  await arrived;

  leaving.abort();

  await expect(asking).rejects.toThrow('aborted');
  await noConnectionLeft();
});

/** Only when no answer is under way any more does the server close without being forced. */
async function noConnectionLeft(): Promise<void> {
  server.close();
  server.closeIdleConnections();
  await once(server, 'close');
  server.listen(0);
  await once(server, 'listening');
}
