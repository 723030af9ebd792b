import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { optional } from '../../src/core/part.ts';
import { speaks } from '../../src/core/source.ts';
import { scripted } from '../support/scripted.ts';
import { fakeTime, pass, settled, watch } from './fake-time.ts';

fakeTime();

const notFound = new Failure('not_found', 'no such user');

function overview() {
  const [profile, tips, counts] = [scripted<string, JsonText<{ name: string }>>(), scripted<string, readonly string[]>(), scripted<string, number>()];
  const asked = aggregate({
    name: 'overview',
    summary: 'All about a user',
    input: z.string(),
    deadline: '1s',
    parts: { profile: profile.source, tips: optional(tips.source, { otherwise: [] }), counts: optional(counts.source) },
  });
  return { profile, tips, counts, asked };
}

test('an aggregate says what it is', () => {
  const { name, summary, deadlineMs, parts } = overview().asked;
  expect({ name, summary, deadlineMs, parts }).toEqual({ name: 'overview', summary: 'All about a user', deadlineMs: 1_000, parts: ['profile', 'tips', 'counts'] });
});

test('all parts are asked at the same time, each with the input and a call of its own', async () => {
  const { asked, profile, tips, counts } = overview();
  using call = startCall(5_000);
  void watch(asked('42', call));
  const asks = [...profile.asked, ...tips.asked, ...counts.asked];
  expect(asks.map(({ input }) => input)).toEqual(['42', '42', '42']);
  expect(asks.map(({ call }) => call.part)).toEqual(['profile', 'tips', 'counts']);
  expect(asks.map(({ call }) => call.leftMs())).toEqual([1_000, 1_000, 1_000]);
});

test('the answer comes when the last part lands, in the order of the definition, and says how long each took', async () => {
  const { asked, profile, tips, counts } = overview();
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  await pass(10);
  counts.asked[0]!.resolve(3);
  await pass(10);
  tips.asked[0]!.resolve(['a']);
  await pass(10);
  expect(answer.now).toEqual({ state: 'pending' });
  profile.asked[0]!.resolve(new JsonText('{"name":"Ada"}'));
  await settled();
  const { value } = answer.now as { value: Awaited<ReturnType<typeof asked>> };
  expect(value.complete).toBe(true);
  expect(value.members()).toBe('"profile":{"name":"Ada"},"tips":["a"],"counts":3');
  expect(value.parts).toEqual([
    { part: 'profile', state: 'live', tookMs: 30 },
    { part: 'tips', state: 'live', tookMs: 20 },
    { part: 'counts', state: 'live', tookMs: 10 },
  ]);
});

test('an optional part that fails is missing: its otherwise stands in its place, or null, and the report says why', async () => {
  const { asked, profile, tips, counts } = overview();
  using call = startCall(5_000);
  const answer = asked('42', call);
  tips.asked[0]!.reject(new Error('ECONNRESET'));
  counts.asked[0]!.reject(notFound);
  profile.asked[0]!.resolve(new JsonText('{}'));
  const { complete, parts, data } = await answer;
  expect(complete).toBe(false);
  expect(data).toMatchObject({ tips: [], counts: null });
  expect(parts.slice(1)).toMatchObject([
    { part: 'tips', state: 'missing', failure: { code: 'source_failed', message: 'the source failed' } },
    { part: 'counts', state: 'missing', failure: notFound },
  ]);
});

test('a required part that fails ends the answer at once, names itself, and stops the others', async () => {
  const { asked, profile, tips, counts } = overview();
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  await pass(10);
  profile.asked[0]!.reject(notFound);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 10, error: { code: 'not_found', message: 'no such user', part: 'profile', cause: notFound } });
  expect([tips.asked[0]!.stopped, counts.asked[0]!.stopped]).toEqual([true, true]);
  expect(tips.asked[0]!.call.reason?.code).toBe('call_over');
  expect(vi.getTimerCount()).toBe(1);
});

test('at the deadline the answer comes without the optional parts that have not landed, and stops them', async () => {
  const { asked, profile, tips, counts } = overview();
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  profile.asked[0]!.resolve(new JsonText('{}'));
  tips.asked[0]!.resolve(['a']);
  await pass(999);
  expect(answer.now).toEqual({ state: 'pending' });
  await pass(1);
  expect(answer.now).toMatchObject({
    state: 'answered',
    atMs: 1_000,
    value: { complete: false, parts: [{ state: 'live' }, { state: 'live' }, { part: 'counts', state: 'missing', tookMs: 1_000, failure: { code: 'deadline_exceeded', message: 'no answer within 1000 ms' } }] },
  });
  expect(counts.asked[0]!.stopped).toBe(true);
});

test('at the deadline a required part that has not landed fails the answer', async () => {
  const { asked, tips, counts } = overview();
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  tips.asked[0]!.resolve(['a']);
  counts.asked[0]!.resolve(1);
  await pass(1_000);
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 1_000, error: { code: 'deadline_exceeded', part: 'profile' } });
});

test('a part that lands after it was given up changes nothing', async () => {
  const { asked, profile, tips, counts } = overview();
  using call = startCall(5_000);
  const answer = watch(asked('42', call));
  for (const { asked } of [profile, counts]) expect(asked).toHaveLength(1);
  profile.asked[0]!.resolve(new JsonText('{}'));
  await pass(1_000);
  const { now } = answer;
  tips.asked[0]!.resolve(['late']);
  counts.asked[0]!.reject(new Error('later still'));
  await settled();
  expect(answer.now).toBe(now);
  expect(now).toMatchObject({ state: 'answered', value: { data: { tips: [], counts: null } } });
});

test('a part that speaks for itself says how it was served; of another one its flight may be about what it asked in turn', async () => {
  const { asked, profile, tips, counts } = overview();
  const again = aggregate({ name: 'again', input: z.string(), deadline: '1s', parts: { counts: speaks(counts.source) } });
  using call = startCall(5_000);
  const answer = asked('42', call);
  tips.asked[0]!.call.flight.served = 'stale';
  counts.asked[0]!.call.flight.served = 'cache';
  profile.asked[0]!.resolve(new JsonText('{}'));
  tips.asked[0]!.resolve([]);
  counts.asked[0]!.resolve(1);
  expect((await answer).parts.map(({ state }) => state)).toEqual(['live', 'stale', 'live']);
  const spoken = again('42', call);
  counts.asked[1]!.call.flight.served = 'cache';
  counts.asked[1]!.resolve(1);
  expect((await spoken).parts.map(({ state }) => state)).toEqual(['cache']);
});

test('when a part has landed its call is over, and what it left running is stopped', async () => {
  const { asked, profile, tips, counts } = overview();
  using call = startCall(5_000);
  void watch(asked('42', call));
  const left = profile.asked[0]!.call.within(100);
  profile.asked[0]!.resolve(new JsonText('{}'));
  counts.asked[0]!.reject(notFound);
  await settled();
  expect([left.over, counts.asked[0]!.call.over, tips.asked[0]!.call.over]).toEqual([true, true, false]);
});
