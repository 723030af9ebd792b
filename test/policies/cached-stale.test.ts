import { expect, test } from 'vitest';
import { Failure } from '../../src/core/failure.ts';
import { cached } from '../../src/policies/cached.ts';
import { fakeTime, pass, settled } from '../core/fake-time.ts';
import { asking, land, loaded, lost, notFound, onStage, type Question, staged, type Text } from './cache-stage.ts';

fakeTime();
onStage();

test('what is stale is served at once while one load refreshes it behind everybody’s back, and then the new value', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(10_000);
  const askers = [asking(stage), asking(stage)];
  await settled();
  expect(askers.map(({ value, served, ageMs }) => [value, served, ageMs])).toEqual([['old', 'stale', 10_000], ['old', 'stale', 10_000]]);
  expect(stage.asked).toHaveLength(2);
  for (const { call } of askers) call.end();
  await settled();
  expect(stage.asked[1]!.stopped).toBe(false);
  await pass(4_999);
  land(stage.asked[1]!, 'new');
  await settled();
  const after = asking(stage);
  await settled();
  expect([after.value, after.served, after.ageMs]).toEqual(['new', 'cache', 4_999]);
});

test('a refresh that fails leaves the source alone for a second, and what is stale is served to the hard limit', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(10_000);
  void asking(stage);
  stage.asked[1]!.reject(lost);
  await settled();
  await pass(999);
  const soon = asking(stage);
  await settled();
  expect([soon.value, soon.served, stage.asked.length]).toEqual(['old', 'stale', 2]);
  await pass(1);
  void asking(stage);
  expect(stage.asked).toHaveLength(3);
  stage.asked[2]!.reject(lost);
  await pass(48_999);
  const last = asking(stage);
  await settled();
  // Beyond `stale`: at once, since it is known that the source fails.
  expect([last.value, last.served]).toEqual(['old', 'stale']);
  stage.asked[3]!.reject(lost);
  await settled();
  await pass(1);
  const late = asking(stage);
  await settled();
  stage.asked[4]!.reject(lost);
  await settled();
  expect(late.error).toBe(lost);
});

test('a refresh that hangs is stopped after 5 seconds, even if it does not listen, and is tried again a second later', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(10_000);
  void asking(stage);
  await pass(4_999);
  expect(stage.asked[1]!.stopped).toBe(false);
  await pass(1);
  expect(stage.asked[1]!.stopped).toBe(true);
  const soon = asking(stage);
  await pass(1_000);
  expect([soon.value, stage.asked.length]).toEqual(['old', 2]);
  void asking(stage);
  expect(stage.asked).toHaveLength(3);
  land(stage.asked[1]!, 'too late');
  land(stage.asked[2]!, 'new');
  await settled();
  const after = asking(stage);
  await settled();
  expect(after.value).toBe('new');
});

test('beyond `stale`, whoever asks waits for the load; one that fails is mended, and then what is old is served at once', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  const askers = [asking(stage), asking(stage)];
  await settled();
  expect(askers.map(({ value }) => value)).toEqual(['pending', 'pending']);
  stage.asked[1]!.reject(lost);
  await settled();
  expect(askers.map(({ value, served, ageMs }) => [value, served, ageMs])).toEqual([['old', 'stale', 30_000], ['old', 'stale', 30_000]]);
  const next = asking(stage);
  await settled();
  expect([next.value, stage.asked.length]).toEqual(['old', 2]);
});

test('beyond the hard limit there is no mending', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(59_999);
  const asker = asking(stage);
  await pass(1);
  stage.asked[1]!.reject(lost);
  await settled();
  expect(asker.error).toBe(lost);
});

test('without `stale` and `staleIfError` there is a fresh answer or none', async () => {
  const stage = staged({ rules: { stale: undefined as never, staleIfError: undefined as never } });
  await loaded(stage, 'old');
  await pass(10_000);
  const asker = asking(stage);
  await settled();
  expect(asker.value).toBe('pending');
  stage.asked[1]!.reject(lost);
  await settled();
  expect(asker.error).toBe(lost);
});

test('that there is nothing is remembered for as long as `negative` says, and no longer', async () => {
  const stage = staged({ rules: { negative: '2s' } });
  const asker = asking(stage);
  stage.asked[0]!.reject(notFound);
  await settled();
  await pass(1_999);
  const again = asking(stage);
  await settled();
  expect([asker.error, again.error, again.served, stage.asked.length]).toEqual([notFound, notFound, 'cache', 1]);
  await pass(1);
  void asking(stage);
  expect(stage.asked).toHaveLength(2);
});

test('that there is nothing any more is not mended by what was there, and the old value is gone', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  const asker = asking(stage);
  stage.asked[1]!.reject(notFound);
  await pass(1_000);
  expect(asker.error).toBe(notFound);
  const next = asking(stage);
  await settled();
  stage.asked[2]!.reject(lost);
  await settled();
  expect(next.error).toBe(lost);
});

test('a refresh that finds nothing ends what was stale', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(10_000);
  void asking(stage);
  stage.asked[1]!.reject(notFound);
  await settled();
  const next = asking(stage);
  await settled();
  expect(next.error).toBe(notFound);
});

test('where nothing is kept, that there is nothing still ends what was there', async () => {
  let tags: readonly string[] | undefined = ['users:ada'];
  const stage = staged({ rules: { tags: () => tags } });
  await loaded(stage, 'old');
  tags = undefined;
  await pass(10_000);
  void asking(stage);
  stage.asked[1]!.reject(notFound);
  await settled();
  expect(stage.cache.memory.size).toBe(0);
});

test.each(['forbidden', 'unauthenticated', 'invalid_input'] as const)('%s is an answer to the question: what was there is not served any more', async (code) => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(10_000);
  void asking(stage);
  const failure = new Failure(code, 'no');
  stage.asked[1]!.reject(failure);
  await settled();
  const next = asking(stage);
  await settled();
  expect(next.value).toBe('pending');
  stage.asked[2]!.reject(failure);
  await settled();
  expect(next.error).toBe(failure);
});

test('a load that throws is a load that fails', async () => {
  const stage = staged();
  const throwing = cached<Question, Text>(stage.cache, stage.plan)(() => { throw lost; });
  const asker = asking({ ask: (input, call) => throwing(typeof input === 'string' ? { user: input } : input, call) });
  await settled();
  expect(asker.error).toBe(lost);
});

test('what another load has ended is served by none that is still under way', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  const asker = asking(stage);
  expect(asker.call.flight.inTime()).toBeDefined();
  void asking({ ask: (input, call) => { call.reload = true; return stage.ask(input, call); } });
  stage.asked[2]!.reject(new Failure('forbidden', 'no'));
  await settled();
  expect(asker.call.flight.inTime()).toBeUndefined();
  stage.asked[1]!.reject(lost);
  await settled();
  expect(asker.error).toBe(lost);
});
