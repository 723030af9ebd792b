import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { optional } from '../../src/core/part.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { scripted } from '../support/scripted.ts';
import { edgeInMemory } from './in-memory.ts';

fakeTime();

const sse = 'text/event-stream';
const ndjson = 'application/x-ndjson';

function overview() {
  const [profile, tips] = [scripted<unknown, unknown>(), scripted<unknown, unknown>()];
  const asked = aggregate({ name: 'overview', input: z.unknown(), deadline: '2s', parts: { profile: profile.source, tips: optional(tips.source, { otherwise: [] }) } });
  const { edge, lines } = edgeInMemory();
  const ask = async (accept: string) => createRoutes(edge, { '/overview': asked }).request('/overview', { headers: { accept } });
  return { profile: profile.asked, tips: tips.asked, lines, ask };
}

/** Reads chunk by chunk, as text. */
function reading(reply: Response) {
  const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
  return async () => (await reader.read()).value;
}

test.each([
  [sse, [
    'event: part\ndata: {"part":"tips","state":"live","took_ms":10,"data":["a"]}\n\n',
    'event: part\ndata: {"part":"profile","state":"live","took_ms":20,"data":{ "name": "Ada" }}\n\n',
    'event: end\ndata: {"complete":true,"parts":[{"part":"tips","state":"live","took_ms":10},{"part":"profile","state":"live","took_ms":20}]}\n\n',
    undefined,
  ]],
  [ndjson, [
    '{"event":"part","part":"tips","state":"live","took_ms":10,"data":["a"]}\n',
    '{"event":"part","part":"profile","state":"live","took_ms":20,"data":{ "name": "Ada" }}\n',
    '{"event":"end","complete":true,"parts":[{"part":"tips","state":"live","took_ms":10},{"part":"profile","state":"live","took_ms":20}]}\n',
    undefined,
  ]],
])('%s: each part is a chunk as it lands, and then the end with all reports', async (accept, chunks) => {
  const { profile, tips, ask } = overview();
  const reply = watch(ask(accept));
  await pass(10);
  tips[0]!.resolve(['a']);
  await settled();
  const next = reading((reply.now as { value: Response }).value);
  const first = await next();
  await pass(10);
  profile[0]!.resolve(new JsonText('{ "name": "Ada" }'));
  expect([first, await next(), await next(), await next()]).toEqual(chunks);
});

test.each([
  [sse, 'event: part\ndata: {"part":"profile","state":"live","took_ms":0,"data":[{"id":1},  {"id":2}]}\n\n'],
  [ndjson, '{"event":"part","part":"profile","state":"live","took_ms":0,"data":[{"id":1},  {"id":2}]}\n'],
])('%s: text that breaks its lines, as json_agg does, is an event on one line all the same', async (accept, chunk) => {
  const { profile, ask } = overview();
  const reply = ask(accept);
  profile[0]!.resolve(new JsonText('[{"id":1}, \r\n{"id":2}]'));
  const next = reading(await reply);
  expect(await next()).toBe(chunk);
  await pass(2_000);
});

test.each([sse, ndjson])('%s: the headers say what it is, that nobody may keep it, and that nobody may hold it back', async (accept) => {
  const { profile, tips, ask } = overview();
  const reply = ask(accept);
  profile[0]!.resolve(1);
  tips[0]!.resolve(2);
  const { status, headers, body } = await reply;
  expect(status).toBe(200);
  expect(Object.fromEntries(headers)).toEqual({
    'content-type': accept,
    'cache-control': 'no-store',
    vary: 'accept',
    'x-accel-buffering': 'no',
    traceresponse: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/) as string,
  });
  await body?.cancel();
});

test('a part that is missing says why, with its otherwise as data, and the end says so again', async () => {
  const { profile, tips, lines, ask } = overview();
  const reply = ask(ndjson);
  tips[0]!.reject(new Failure('source_failed', 'the recommender failed', { cause: new Error('ECONNREFUSED') }));
  await settled();
  profile[0]!.resolve(1);
  const events = (await (await reply).text()).trim().split('\n').map((line) => JSON.parse(line) as unknown);
  const why = { part: 'tips', code: 'source_failed', detail: 'the recommender failed' };
  expect(events).toEqual([
    { event: 'part', part: 'tips', state: 'missing', took_ms: 0, error: why, data: [] },
    { event: 'part', part: 'profile', state: 'live', took_ms: 0, data: 1 },
    { event: 'end', complete: false, parts: [{ part: 'tips', state: 'missing', took_ms: 0 }, { part: 'profile', state: 'live', took_ms: 0 }], errors: [why] },
  ]);
  expect(lines).toMatchObject([{ level: 'warn', part: 'tips', err: { message: 'ECONNREFUSED' } }]);
});

test.each([sse, ndjson])('%s: a required part that fails before anything was sent is a problem with its status', async (accept) => {
  const { profile, tips, ask } = overview();
  const reply = ask(accept);
  profile[0]!.reject(new Failure('not_found', 'no such user'));
  expect((await reply).status).toBe(404);
  expect((await reply).headers.get('content-type')).toBe('application/problem+json');
  expect(await (await reply).json()).toMatchObject({ code: 'not_found', part: 'profile' });
  expect(tips[0]!.stopped).toBe(true);
});

async function failedMidway(accept: string, failure = new Failure('source_failed', 'the user database failed', { cause: new Error('ECONNREFUSED') })) {
  const { profile, tips, lines, ask } = overview();
  const reply = ask(accept);
  tips[0]!.resolve(['a']);
  const next = reading(await reply);
  await next();
  profile[0]!.reject(failure);
  return { lines, chunk: await next(), last: await next(), traceId: (await reply).headers.get('traceresponse')!.slice(3, 35) };
}

const problem = (traceId: string) =>
  `"type":"urn:tributary:problem:source-failed","title":"A required part failed","status":502,"detail":"the user database failed","code":"source_failed","part":"profile","trace_id":"${traceId}"`;

test.each([
  [sse, (traceId: string) => `event: problem\ndata: {${problem(traceId)}}\n\n`],
  [ndjson, (traceId: string) => `{"event":"problem",${problem(traceId)}}\n`],
])('%s: one that fails after something was sent is the last chunk, and what would be its status is in it', async (accept, chunk) => {
  const failed = await failedMidway(accept);
  expect([failed.chunk, failed.last]).toEqual([chunk(failed.traceId), undefined]);
});

test('… and the log says why, as for a reply that is whole', async () => {
  const { lines } = await failedMidway(sse);
  expect(lines).toMatchObject([{ level: 'error', code: 'source_failed', part: 'profile', err: { message: 'ECONNREFUSED' } }]);
});

test('… and says nothing where it would not either: that there is no such user is no fault of the server', async () => {
  const { chunk, lines } = await failedMidway(sse, new Failure('not_found', 'no such user'));
  expect(chunk).toContain('"status":404');
  expect(lines).toEqual([]);
});

test('what is missing at the deadline does not hold the stream up', async () => {
  const { profile, ask } = overview();
  const reply = ask(ndjson);
  profile[0]!.resolve(1);
  const next = reading(await reply);
  await next();
  await pass(1_950);
  expect([await next(), await next(), await next()]).toEqual([
    '{"event":"part","part":"tips","state":"missing","took_ms":1950,"error":{"part":"tips","code":"deadline_exceeded","detail":"no answer within 1950 ms"},"data":[]}\n',
    expect.stringContaining('"event":"end","complete":false'),
    undefined,
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a reader who cancels stops what is left', async () => {
  const { profile, tips, lines, ask } = overview();
  const reply = ask(sse);
  tips[0]!.resolve(['a']);
  await (await reply).body!.cancel();
  await settled();
  expect(profile[0]!.stopped).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
  expect(lines).toEqual([]);
});

test('a value that has no JSON ends the stream with a problem', async () => {
  const { profile, ask } = overview();
  const reply = ask(ndjson);
  profile[0]!.resolve(1n);
  expect(JSON.parse(await (await reply).text())).toMatchObject({ event: 'problem', status: 502, code: 'source_failed', detail: 'the source failed' });
});
