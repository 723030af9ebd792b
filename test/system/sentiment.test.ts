import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import type { Failure } from '../../src/core/failure.ts';
import { caller, decided } from '../support/callers.ts';
import { type Reply, request } from '../support/http-client.ts';
import { installMs, pythonForModel, type SentimentModel, startSentimentModel } from '../support/sentiment-model.ts';
import { raw } from '../support/raw-http.ts';
import { until } from '../support/until.ts';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';

const keeping = () => new Cache({ bytesMax: 1024 * 1024 });

/** Nothing here asks a database. */
const database = { url: 'postgres://127.0.0.1:9/none' };
const python = await pythonForModel();
if ('missing' in python) process.stderr.write(`The sentiment endpoint is tested with the Node twin of its model: ${python.missing}\n`);

let model: SentimentModel;
beforeAll(async () => { model = await startSentimentModel(python); }, installMs);
afterAll(() => model[Symbol.asyncDispose]());
beforeEach(() => model.fault());

const withModel = (options: Partial<GatewayOptions> = {}) => startGateway({ database, sentimentUrl: model.url, ...options });

function analyze({ url }: Gateway, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return request(`${url}/analyze-sentiment`, { method: 'POST', body: text, headers: { 'content-type': 'application/json', ...headers }, timeoutMs: 10_000 });
}

const analysed = async () => (await model.health()).analysed;

test('a text is analysed by the model', async () => {
  await using gateway = await withModel();
  const good = await analyze(gateway, { text: 'I love it, great quality!', max_length: 512 });
  expect([good.status, good.headers['content-type'], good.headers['cache-control']]).toEqual([200, 'application/json', 'no-store']);
  expect(good.json).toEqual({ sentiment: 'POSITIVE', confidence: expect.any(Number) as number, model: 'tributary-reviews-1' });
  expect((await analyze(gateway, { text: 'Broke after a day, terrible.' })).json).toMatchObject({ sentiment: 'NEGATIVE' });
});

test.each([
  ['no text', '{}', 'text: expected a text of 1 to 10000 characters that is not blank, but got nothing'],
  ['a blank one', '{"text":" \\n"}', 'text: expected a text of 1 to 10000 characters that is not blank, but got " \\n"'],
  ['a long one', JSON.stringify({ text: 'a'.repeat(10_001) }), 'text: expected a text of 1 to 10000 characters that is not blank, but got '],
  ['half a character', '{"text":"\\ud83d"}', 'text: expected text without halves of characters, but got "\\ud83d"'],
  ['no length', '{"text":"a","max_length":0}', 'max_length: expected a whole number from 1 to 512, of how many characters the model reads, but got 0'],
  ['more than the model reads', '{"text":"a","max_length":513}', 'max_length: expected a whole number from 1 to 512, of how many characters the model reads, but got 513'],
  ['a length in words', '{"text":"a","max_length":"12"}', 'max_length: expected a whole number from 1 to 512, of how many characters the model reads, but got "12"'],
  ['another field', '{"text":"a","language":"en"}', 'body: expected no fields but text, max_length, and not "language"'],
  ['no object', '["a"]', 'body: expected an object'],
])('what is wrong with %s is said, and the model is not asked', async (_, body, detail) => {
  await using gateway = await withModel();
  const before = await analysed();
  const reply = await analyze(gateway, body);
  expect(reply.status).toBe(400);
  expect((reply.json as { detail: string }).detail).toContain(detail);
  expect(await analysed()).toBe(before);
});

test('a text is cut to what the model reads, and cut alike it is the same question', async () => {
  await using gateway = await withModel({ cache: keeping() });
  const before = await analysed();
  const replies = [
    await analyze(gateway, { text: '😀 great terrible', max_length: 7 }),
    await analyze(gateway, { text: '  😀 great', max_length: 512 }),
    await analyze(gateway, { text: '😀 greatest and terrible', max_length: 7 }),
  ];
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  expect(await analysed()).toBe(before + 1);
});

test.each([['without a cache', undefined], ['before a cache', keeping()]])('two hundred who ask the same at the same time are one request to the model, %s', async (_, cache) => {
  await using gateway = await withModel(cache ? { cache } : {});
  await model.fault('?mode=hang');
  const before = await analysed();
  // One upon the other, so that all of them are there long before the deadline of the first.
  const body = JSON.stringify({ text: 'So comfortable, I love it.' });
  const one = (more = '') => `POST /analyze-sentiment HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
  const asked = raw(gateway.url, one().repeat(199) + one('Connection: close\r\n'));
  await gateway.underWay(200);
  await model.fault();
  const replies = String(await asked).split(/(?=HTTP\/1\.1 \d{3} )/);
  expect(replies).toHaveLength(200);
  expect(new Set(replies.map((reply) => `${reply.slice(9, 12)} ${reply.split('\r\n\r\n')[1]}`))).toEqual(new Set([expect.stringMatching(/^200 \{"sentiment":"POSITIVE",/)]));
  expect(await analysed()).toBe(before + 1);
});

test('what has been analysed is kept, and serves while the model is down', async () => {
  await using gateway = await withModel({ cache: keeping() });
  const before = await analysed();
  const first = await analyze(gateway, { text: 'Kept.' });
  await model.fault('?mode=error');
  expect((await analyze(gateway, { text: 'Kept.' })).text).toBe(first.text);
  expect(await analysed()).toBe(before + 1);
  expect((await analyze(gateway, { text: 'Not kept.' })).status).toBe(503);
});

async function refused(reply: Reply, status: number, code: Failure['code']): Promise<void> {
  expect([reply.status, (reply.json as { code: string }).code]).toEqual([status, code]);
  if (status === 503) expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
}

test('a model that is down is a 503 that says when to come again, and so it is to whoever comes again too soon', async () => {
  const own = await startSentimentModel({ missing: 'the twin starts sooner' });
  await using gateway = await withModel({ sentimentUrl: own.url });
  expect((await analyze(gateway, { text: 'Up.' })).status).toBe(200);
  await own.kill();
  await refused(await analyze(gateway, { text: 'Down.' }), 503, 'unavailable');
  expect((await analyze(gateway, { text: 'Down.' })).json).toMatchObject({ detail: 'the sentiment model is not available' });
});

test('a model that fails is a 503, one that talks nonsense a 502, one that hangs a 504 in time', async () => {
  await using gateway = await withModel();
  await model.fault('?mode=error');
  await refused(await analyze(gateway, { text: 'a' }), 503, 'unavailable');
  await model.fault('?mode=garbage');
  await refused(await analyze(gateway, { text: 'a' }), 502, 'bad_answer');
  await model.fault('?mode=hang');
  await refused(await analyze(gateway, { text: 'a' }), 504, 'deadline_exceeded');
  // It is told that nobody waits any more.
  await model.underWay(0);
});

test('eight are at the model, a hundred wait, and more are turned away at once', async () => {
  await using gateway = await withModel();
  await model.fault('?mode=hang');
  const asked = Array.from({ length: 112 }, (_, at) => analyze(gateway, { text: `Text ${at}` }));
  const ended: Reply[] = [];
  for (const reply of asked) void reply.then((one) => ended.push(one));
  await until(() => ended.length === 4, () => `expected four to be turned away, but got ${ended.length}`);
  const replies = [...ended];
  for (const reply of replies) await refused(reply, 503, 'overloaded');
  await model.underWay(8);
  await model.fault();
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  // On a busy machine the last of them may be too late.
  expect(statuses.map((one) => (one === 504 ? 200 : one)).toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 108 }, () => 200), 503, 503, 503, 503]);
  expect(statuses).toContain(200);
  expect((await model.health()).under_way_max).toBe(8);
});

test('without a model it says so', async () => {
  await using gateway = await startGateway({ database });
  const reply = await analyze(gateway, { text: 'a' });
  await refused(reply, 503, 'unavailable');
  expect([reply.headers['retry-after'], reply.json]).toEqual(['60', expect.objectContaining({ detail: 'sentiment analysis is not set up here' })]);
});

test('where tokens are needed, anybody with one may ask', async () => {
  await using gateway = await withModel({ authentication: decided(() => caller('7')) });
  await refused(await analyze(gateway, { text: 'a' }), 401, 'unauthenticated');
  expect((await analyze(gateway, { text: 'a' }, { authorization: 'Bearer somebody' })).status).toBe(200);
});

test('a text is in no log line, not even of a failure', async () => {
  await using gateway = await withModel();
  await analyze(gateway, { text: 'my secret diary' });
  await model.fault('?mode=garbage');
  await analyze(gateway, { text: 'my secret letters' });
  await gateway.accessLines(2);
  expect(JSON.stringify(gateway.log)).not.toContain('secret');
});
