import { expect, test } from 'vitest';
import { z } from 'zod';
import { Cache } from '../../src/cache/cache.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { startCall } from '../../src/core/call.ts';
import type { Duration } from '../../src/core/duration.ts';
import { optional } from '../../src/core/part.ts';
import type { Source } from '../../src/core/source.ts';
import type { Trace } from '../../src/core/trace.ts';
import { source } from '../../src/policies/source.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { recordSpans, sampledTrace, unsampledTrace } from '../core/spans.ts';
import { scripted } from '../support/scripted.ts';
import { clientGone, json, land, onStage, type Question, type Text } from './cache-stage.ts';

fakeTime();
onStage();
recordSpans();

const quick = async () => 'quick';
const input = z.object({ user: z.string() });

/** A profile that is kept for a minute, in a source made as all are made. */
function home({ memoise = false, deadline = '100ms' }: { memoise?: boolean; deadline?: Duration } = {}) {
  const profile = scripted<Question, Text>();
  const cache = new Cache({ bytesMax: 1_000_000 });
  const rules = { in: cache, subject: 'user', fresh: '10s', stale: '20s', staleIfError: '50s', tags: ({ user }: Question) => [`users:${user}`] } as const;
  const kept = source({ name: 'profile', load: profile.source, memoise, cache: rules });
  const one = aggregate({ name: 'home', input, deadline, parts: { quick, profile: kept } });
  return { asked: profile.asked, cache, kept, one };
}

/** Has the profile loaded, and lets it become too old to be served at once. */
async function grown({ asked, one }: Pick<ReturnType<typeof home>, 'asked' | 'one'>, ms = 30_000): Promise<void> {
  using call = startCall(1_000);
  const answer = one({ user: 'ada' }, call);
  land(asked[0]!, 'old');
  await answer;
  await pass(ms);
}

const traces: readonly [string, () => Trace | undefined][] = [['no trace', () => undefined], ['a request that is not sampled', () => unsampledTrace()], ['a sampled request', () => sampledTrace()]];

async function staleAtTheDeadline(memoise: boolean, trace: Trace | undefined): Promise<void> {
  const stage = home({ memoise });
  await grown(stage);
  using call = startCall(5_000, trace);
  const answer = watch(stage.one({ user: 'ada' }, call));
  await pass(99);
  expect(answer.now.state).toBe('pending');
  await pass(1);
  expect(answer.now).toMatchObject({ state: 'answered', atMs: 100 });
  if (answer.now.state !== 'answered') return;
  const { value } = answer.now;
  expect([value.complete, value.data]).toEqual([true, { quick: 'quick', profile: 'old' }]);
  expect(stage.asked[1]!.stopped).toBe(true);
  expect(value.parts[1]).toMatchObject({ part: 'profile', state: 'stale', tookMs: 100, kept: { because: 'miss' } });
}

test.each(traces)('with %s: a required part whose load hangs is stale at the deadline, and the answer complete', (_, trace) => staleAtTheDeadline(false, trace()));

test.each(traces)('with %s: also where it is memoised', (_, trace) => staleAtTheDeadline(true, trace()));

async function staleAtTheEnd(memoise: boolean): Promise<void> {
  const stage = home({ memoise, deadline: '5s' });
  await grown(stage);
  using call = startCall(100);
  const answer = watch(stage.one({ user: 'ada' }, call));
  await pass(100);
  expect(answer.now).toMatchObject({ state: 'answered', value: { complete: true, parts: [{}, { state: 'stale' }] } });
}

test('also where the deadline is the whole request’s', () => staleAtTheEnd(false));
test('also where the deadline is the whole request’s, and it is memoised', () => staleAtTheEnd(true));

test('an optional part is stale rather than missing', async () => {
  const stage = home();
  await grown(stage);
  const other = aggregate({ name: 'other', input, deadline: '100ms', parts: { profile: optional(stage.kept), hangs: optional(scripted<Question, Text>().source) } });
  using call = startCall(5_000);
  const answer = watch(other({ user: 'ada' }, call));
  await pass(100);
  expect(answer.now).toMatchObject({ state: 'answered', value: { data: { profile: 'old', hangs: null }, parts: [{ state: 'stale' }, { state: 'missing' }] } });
});

async function staleInside(trace: Trace | undefined): Promise<void> {
  const stage = home({ deadline: '5s' });
  await grown(stage);
  const outer = aggregate({ name: 'outer', input, deadline: '100ms', parts: { quick, inner: stage.one } });
  using call = startCall(5_000, trace);
  const answer = watch(outer({ user: 'ada' }, call));
  await pass(100);
  expect(answer.now).toMatchObject({
    state: 'answered',
    value: { complete: true, data: { inner: { quick: 'quick', profile: 'old' } }, parts: [{ part: 'quick' }, { part: 'inner' }, { part: 'inner.quick' }, { part: 'inner.profile', state: 'stale' }] },
  });
}

test.each(traces.slice(0, 2))('with %s: a nested aggregate has its stale part at the deadline of the outer one', (_, trace) => staleInside(trace()));
test.each(traces.slice(2))('with %s: a nested aggregate has its stale part at the deadline of the outer one', (_, trace) => staleInside(trace()));

test('a nested aggregate has its stale part at its own deadline, and the outer one goes on', async () => {
  const stage = home();
  await grown(stage);
  const slow = scripted<Question, Text>();
  const outer = aggregate({ name: 'outer', input, deadline: '1s', parts: { inner: stage.one, slow: slow.source } });
  using call = startCall(5_000);
  const answer = watch(outer({ user: 'ada' }, call));
  await pass(500);
  slow.asked[0]!.resolve(json('slow'));
  await settled();
  expect(answer.now).toMatchObject({ state: 'answered', value: { complete: true, data: { inner: { profile: 'old' }, slow: 'slow' } } });
});

test('streamed, the stale part lands at the deadline', async () => {
  const stage = home();
  await grown(stage);
  using call = startCall(5_000);
  const landed = watch(Array.fromAsync(stage.one.stream({ user: 'ada' }, call)));
  await pass(100);
  expect(landed.now).toMatchObject({ state: 'answered', value: [{ name: 'quick' }, { name: 'profile', reports: [{ state: 'stale' }] }] });
});

test('each of two who wait for one load has what is stale at its own deadline, or the new value if that comes first', async () => {
  const stage = home();
  await grown(stage);
  const patient = aggregate({ name: 'patient', input, deadline: '1s', parts: { profile: stage.kept } });
  using call = startCall(5_000);
  const answers = [watch(stage.one({ user: 'ada' }, call)), watch(patient({ user: 'ada' }, call))];
  await pass(100);
  expect(answers.map(({ now }) => now.state)).toEqual(['answered', 'pending']);
  land(stage.asked[1]!, 'new');
  await settled();
  expect(answers.map(({ now }) => now)).toMatchObject([{ value: { data: { profile: 'old' } } }, { value: { data: { profile: 'new' }, parts: [{ state: 'live' }] } }]);
});

test('beyond the hard limit, after an invalidation, and where there never was a value, the deadline is the end', async () => {
  const [late, gone, never] = [home(), home(), home()];
  await grown(late, 59_901);
  await grown(gone);
  const calls = [startCall(5_000), startCall(5_000), startCall(5_000)];
  const answers = [late, gone, never].map((stage, at) => watch(stage.one({ user: 'ada' }, calls[at]!)));
  await pass(1);
  await gone.cache.invalidate(['users:ada']);
  await pass(99);
  const timeout = { state: 'failed', error: { code: 'deadline_exceeded', part: 'profile' } };
  expect(answers.map(({ now }) => now)).toMatchObject([timeout, timeout, timeout]);
  for (const call of calls) call.end();
});

test('a client that leaves has nothing, stale or not', async () => {
  const stage = home();
  await grown(stage);
  using call = startCall(5_000);
  const answer = watch(stage.one({ user: 'ada' }, call));
  call.stop(clientGone);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', error: clientGone });
});

// Those that follow are about parts that ask a cached source and make something else of its answer.

/** What is shown of a profile takes a second look somewhere else. */
function shown({ kept }: Pick<ReturnType<typeof home>, 'kept'>, keyed: boolean) {
  const badge = scripted<string, string>();
  const load: Source<Question, string> = async (question, call) => `${String((await kept(question, call)).parse())} with ${await badge.source(question.user, call)}`;
  const part = source({ name: 'shown', load, ...(keyed && { key: ({ user }: Question) => user }) });
  return { badge: badge.asked, page: aggregate({ name: 'page', input, deadline: '100ms', parts: { shown: optional(part) } }) };
}

test.each([false, true])('with a key: %s: a part made of a cached source’s answer is not that answer, while it waits for something else', async (keyed) => {
  const stage = home();
  await grown(stage);
  const { badge, page } = shown(stage, keyed);
  using call = startCall(5_000);
  const answer = watch(page({ user: 'ada' }, call));
  land(stage.asked[1]!, 'new');
  await settled();
  expect(badge).toHaveLength(1);
  await pass(100);
  expect(answer.now).toMatchObject({ state: 'answered', value: { data: { shown: null }, parts: [{ state: 'missing' }] } });
});

async function notTheOther(keyed: boolean): Promise<void> {
  const stage = home();
  await grown(stage);
  const { page } = shown(stage, keyed);
  using call = startCall(5_000);
  const answer = watch(page({ user: 'ada' }, call));
  await pass(100);
  expect(answer.now).toMatchObject({ state: 'answered', value: { data: { shown: null }, parts: [{ state: 'missing' }] } });
}

test('with a key: a part made of a cached source’s answer is not that answer, while it waits for that', () => notTheOther(true));
test('without one: a part made of a cached source’s answer is not that answer, while it waits for that', () => notTheOther(false));

test.each([false, true])('with a key: %s: a part made of what a cache had was made now, and is kept by no cache', async (keyed) => {
  const stage = home();
  await grown(stage, 1_000);
  const { badge, page } = shown(stage, keyed);
  using call = startCall(5_000);
  const answer = page({ user: 'ada' }, call);
  await settled();
  badge[0]!.resolve('gold');
  expect(await answer).toMatchObject({ data: { shown: 'old with gold' }, parts: [{ state: 'live', kept: undefined }] });
});
