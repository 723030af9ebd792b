import { expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { Count } from '../../src/core/meter.ts';
import { Budget } from '../../src/policies/budget.ts';
import { Guard } from '../../src/policies/guarded.ts';
import { hedged } from '../../src/policies/hedged.ts';
import { Latencies } from '../../src/policies/latencies.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { recordSpans, sampledTrace } from '../core/spans.ts';
import { scripted } from '../support/scripted.ts';
import { clientGone, lost } from './cache-stage.ts';

fakeTime();
const listening = watchListeners();
const ended = recordSpans();

/** A budget of which so much has been saved. */
function saving(oneIn: number, count: number): Budget {
  const budget = new Budget({ oneIn, savedMax: 10 });
  for (let at = 0; at < oneIn * count; at++) budget.earn();
  return budget;
}

/** A source whose answers took 1 to 100 ms, with hedges saved up and something in the budget that retries share. */
function stage({ samples = 100, saved = 1, shared = 1, slowest = 100 } = {}) {
  const { source: load, asked } = scripted<string, number>();
  const latencies = new Latencies();
  for (let at = 0; at < samples; at++) latencies.add(((at % 100) + 1) * (slowest / 100));
  const means = { own: saving(50, saved), shared: saving(10, shared), latencies, guard: new Guard('recommendations', { slow: '1s' }), counts: { first: new Count(), second: new Count(), none: new Count() } };
  const counted = () => Object.entries(means.counts).flatMap(([winner, { value }]) => Array<string>(value).fill(winner));
  return { asked, latencies, counted, guard: means.guard, source: hedged(means)(load) };
}

test('an answer slower than 95 of 100 is asked for a second time; the first to come wins, and the other attempt is stopped', async () => {
  const { source, asked, latencies, counted } = stage();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  await pass(95);
  expect(asked).toHaveLength(1);
  await pass(1);
  expect(asked).toHaveLength(2);
  await pass(10);
  asked[1]!.resolve(2);
  await settled();
  expect(answer.now).toMatchObject({ state: 'answered', value: 2, atMs: 106 });
  expect([asked[0]!.stopped, latencies.count, counted()]).toEqual([true, 101, ['second']]);
  asked[0]!.stop();
  await settled();
  expect([listening.size, vi.getTimerCount()]).toEqual([0, 1]);
});

test('the first attempt may win as well', async () => {
  const { source, asked, counted } = stage();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  await pass(96);
  asked[0]!.resolve(1);
  await settled();
  expect([answer.now, asked[1]!.stopped, counted()]).toMatchObject([{ state: 'answered', value: 1 }, true, ['first']]);
});

test('both know which endpoints have been asked', async () => {
  const { source, asked } = stage();
  using call = startCall(1_000);
  void watch(source('a', call));
  const endpoint = {};
  asked[0]!.call.tried!.add(endpoint);
  await pass(96);
  expect([asked[1]!.call.tried?.has(endpoint), call.tried?.has(endpoint)]).toEqual([true, true]);
});

test('one that fails leaves it to the other; where both do, what failed first is the answer', async () => {
  for (const [first, second] of [[0, 1], [1, 0]] as const) {
    const { source, asked, counted } = stage();
    using call = startCall(1_000);
    const answer = watch(source('a', call));
    await pass(96);
    asked[first]!.reject(lost);
    await settled();
    expect(answer.now.state).toBe('pending');
    asked[second]!.reject(new Failure('bad_answer', 'nonsense'));
    await settled();
    expect(answer.now).toMatchObject({ state: 'failed', error: lost });
    expect(counted()).toEqual(['none']);
  }
});

test('one that fails before that is not hedged', async () => {
  const { source, asked, counted } = stage();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  asked[0]!.reject(lost);
  await settled();
  expect([asked.length, answer.now, vi.getTimerCount(), counted()]).toMatchObject([1, { state: 'failed', error: lost }, 1, []]);
});

test.each<[string, Parameters<typeof stage>[0], number]>([
  ['as long as few answers have been timed', { samples: 99 }, 200],
  ['with no hedge saved', { saved: 0 }, 200],
  ['with nothing in the budget that retries share', { shared: 0 }, 200],
  ['within 5 ms, though all answers are faster', { slowest: 1 }, 4],
])('not %s', async (_, options, ms) => {
  const { source, asked } = stage(options);
  using call = startCall(1_000);
  void watch(source('a', call));
  await pass(ms);
  expect(asked).toHaveLength(1);
});

test('not while the guard refuses', async () => {
  const { source, asked, guard } = stage();
  using call = startCall(1_000);
  void watch(source('a', call));
  await pass(90);
  for (let at = 0; at < 20; at++) guard.throttle.count(false, performance.now());
  await pass(100);
  expect(asked).toHaveLength(1);
});

test('two in a hundred, however slow all are', async () => {
  const { source, asked } = stage({ saved: 0, shared: 10 });
  using call = startCall(600_000);
  for (let first = 0; first < 300; first++) {
    const before = asked.length;
    void watch(source('a', call));
    await pass(101);
    for (const ask of asked.slice(before)) ask.resolve(1);
    await settled();
  }
  expect(asked).toHaveLength(306);
});

test('who leaves stops both attempts, and nothing stays', async () => {
  for (const at of [10, 96]) {
    const { source, asked } = stage();
    using call = startCall(1_000);
    const answer = watch(source('a', call));
    await pass(at);
    call.stop(clientGone);
    await settled();
    expect([answer.now, asked.map(({ stopped }) => stopped)]).toMatchObject([{ state: 'failed', error: clientGone }, asked.map(() => true)]);
    expect([listening.size, vi.getTimerCount()]).toEqual([0, 0]);
  }
});

test('a span says who won', async () => {
  for (const [at, won] of [[0, 'the first attempt won'], [1, 'the second attempt won'], [2, 'no winner']] as const) {
    const { source, asked } = stage();
    const trace = sampledTrace('recommendations');
    using call = startCall(1_000, trace);
    void watch(source('a', call));
    await pass(96);
    asked[at]?.resolve(1);
    await settled();
    trace.span.end();
    expect(ended.at(-1)?.attributes).toEqual({ 'tributary.hedged': won });
  }
});
