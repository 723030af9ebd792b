// The model's two services, FastAPI and its Node twin, keep one contract and give the same answers.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { classify } from '../../demo/sentiment/classifier.ts';
import type { Python } from '../../demo/sentiment/python.ts';
import { model as weights } from '../../demo/sentiment/server.ts';
import { createHttpClient, type HttpClient } from '../../src/clients/http.ts';
import { startCall } from '../../src/core/call.ts';
import { Sentiment } from '../../src/sources/sentiment.ts';
import { failing } from '../support/failing.ts';
import { request } from '../support/http-client.ts';
import { installMs, pythonForModel, type SentimentModel, startSentimentModel } from '../support/sentiment-model.ts';

const python = await pythonForModel();
if ('missing' in python) process.stderr.write(`The sentiment model is not tested in Python: ${python.missing}\n`);
const runtimes: (readonly [string, Python])[] = [['node', { missing: 'asked for the twin' }], ...('command' in python ? [['python', python] as const] : [])];

const reviews = readFileSync(new URL('../../demo/sentiment/reviews.tsv', import.meta.url), 'utf8').trim().split('\n').map((line) => line.slice(2));
const odd = ["I don't like it. Great!", 'I don’t like it', 'İSTANBUL Kelvin', '😀😀😀', 'NOT GOOD', '...', 'constructor __proto__ toString', 'ﬁne ß ẞ Σας', 'great '.repeat(80)];

describe.each(runtimes)('by %s', (runtime, python) => {
  let model: SentimentModel;
  let client: HttpClient;
  beforeAll(async () => {
    model = await startSentimentModel(python);
    client = createHttpClient({ name: 'the sentiment model', url: model.url });
  }, installMs);
  afterAll(async () => {
    await client.close();
    await model[Symbol.asyncDispose]();
  });

  function ask(text: string, max_length = 512) {
    const call = startCall(10_000);
    return client.post({ path: '/analyze-sentiment', body: { text, max_length }, answer: Sentiment, safe: true }, call).finally(() => { call.end(); });
  }

  test('it says what it is', async () => {
    expect(await model.health()).toMatchObject({ status: 'ok', runtime, model: weights.name, accuracy: weights.accuracy });
  });

  test('each text has the answer of the weights', async () => {
    for (const text of [...reviews.filter((_, at) => at % 6 === 0), ...odd]) expect((await ask(text)).parse(), text).toEqual(classify(text.slice(0, 512), weights));
  });

  test('it reads max_length characters, and none of them by half', async () => {
    expect((await ask('great terrible', 5)).parse()).toEqual(classify('great', weights));
    expect((await ask('😀great terrible', 6)).parse()).toEqual(classify('great', weights));
  });

  test.each(['{}', '{"text":""}', '{"text":7}', '{"text":"a","max_length":0}', '{"text":"a","max_length":513}', '{"text":', ''])('what it cannot read is refused: %s', async (body) => {
    const reply = await request(`${model.url}/analyze-sentiment`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect(reply.status).toBe(422);
  });

  test('its faults are as they are asked for, until the next', async () => {
    await model.fault('?mode=error');
    expect((await failing(ask('a'))).code).toBe('source_failed');
    await model.fault('?mode=garbage');
    expect((await failing(ask('a'))).code).toBe('bad_answer');
    expect((await request(`${model.url}/_control?mode=sulk`, { method: 'POST' })).status).toBe(422);
    await model.fault();
    expect((await ask('great')).parse().sentiment).toBe('POSITIVE');
  });

  test.each(['?mode=hang', '?delay_ms=60000'])('nothing is under way for a caller who has left: %s', async (fault) => {
    await model.fault(fault);
    const call = startCall(60_000);
    const failed = failing(client.post({ path: '/analyze-sentiment', body: { text: 'a' }, answer: Sentiment }, call));
    await model.underWay(1);
    call.end();
    expect((await failed).code).toBe('call_over');
    await model.underWay(0);
    await model.fault();
  });
});
