import { expect, test } from 'vitest';
import { Answer, type PartReport } from '../../src/core/answer.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { whole } from '../../src/http/whole.ts';
import { edgeInMemory, replyOf } from './in-memory.ts';

const live = (part: string, tookMs = 1): PartReport => ({ part, state: 'live', tookMs });
const missing = (part: string, failure?: Failure): PartReport => ({ part, state: 'missing', tookMs: 700, ...(failure ? { failure } : {}) });

async function replyWith(answer: Answer<unknown>) {
  const { edge, lines } = edgeInMemory();
  const reply = await replyOf(edge, (c, visit) => whole(answer, c, '/', visit, edge));
  return { reply, lines, text: await reply.text() };
}

test('a complete answer is its data, and says nothing of errors', async () => {
  const answer = new Answer(['user_data', 'tips'], [new JsonText('{ "name": "Ada" }'), ['a']], [live('user_data'), live('tips')]);
  const { reply, lines, text } = await replyWith(answer);
  expect(reply.status).toBe(200);
  expect(text).toBe('{"user_data":{ "name": "Ada" },"tips":["a"]}');
  expect(lines).toEqual([]);
});

test('an answer with something missing says what and why, in one more member', async () => {
  const failure = new Failure('deadline_exceeded', 'no answer within 700 ms');
  const answer = new Answer(['user_data', 'tips', 'order'], [1, [], null], [live('user_data'), missing('tips', failure), live('order'), missing('order.total')]);
  const { reply, text } = await replyWith(answer);
  expect(reply.status).toBe(200);
  expect(JSON.parse(text)).toEqual({
    user_data: 1,
    tips: [],
    order: null,
    errors: [
      { part: 'tips', code: 'deadline_exceeded', detail: 'no answer within 700 ms' },
      { part: 'order.total', code: 'source_failed', detail: 'the source failed' },
    ],
  });
});

test('why something is missing is logged with its cause, which the client does not see', async () => {
  const failure = new Failure('source_failed', 'the recommender failed', { cause: new Error('ECONNREFUSED 10.0.0.7') });
  const { lines, text } = await replyWith(new Answer(['tips'], [[]], [missing('tips', failure)]));
  expect(text).not.toContain('ECONNREFUSED');
  expect(lines).toMatchObject([{ level: 'warn', part: 'tips', err: { message: 'ECONNREFUSED 10.0.0.7' } }]);
});

test.each([
  ['complete', live('a'), 'private, max-age=0'],
  ['with something missing', missing('a'), 'no-store'],
])('an answer that is %s says who may keep it', async (_, report, cacheControl) => {
  const { reply } = await replyWith(new Answer(['a'], [1], [report]));
  expect(reply.headers.get('cache-control')).toBe(cacheControl);
  expect(reply.headers.get('vary')).toBe('accept');
  expect(reply.headers.get('content-type')).toBe('application/json');
});

test('Server-Timing says how long each part took and how it was served, and where the request stands in its trace', async () => {
  const reports: PartReport[] = [live('user_data', 12.34), { part: 'tips', state: 'stale', tookMs: 0.04 }, { part: 'order.total', state: 'cache', tookMs: 1.25 }, missing('counts')];
  const { reply } = await replyWith(new Answer(['a'], [1], reports));
  const traceresponse = reply.headers.get('traceresponse');
  expect(traceresponse).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(reply.headers.get('server-timing')).toBe(
    `user_data;dur=12.3, tips;dur=0;desc=stale, order.total;dur=1.3;desc=cache, counts;dur=700;desc=missing, traceparent;desc="${traceresponse}"`,
  );
});

test('text beyond Latin-1 leaves as UTF-8', async () => {
  const { text } = await replyWith(new Answer(['name'], ['Łódź 🎉'], [live('name')]));
  expect(text).toBe('{"name":"Łódź 🎉"}');
});
