import { beforeEach, expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure, type FailureCode } from '../../src/core/failure.ts';
import { Guard, guarded } from '../../src/policies/guarded.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { recordSpans, sampledTrace } from '../core/spans.ts';
import { type Ask, scripted } from '../support/scripted.ts';
import { clientGone, lost } from './cache-stage.ts';

fakeTime();
const listening = watchListeners();
const ended = recordSpans();
// Whoever may be refused is.
beforeEach(() => { vi.spyOn(Math, 'random').mockReturnValue(0); });

function stage() {
  const { source: load, asked } = scripted<string, number>();
  const guard = new Guard('profile', { slow: '1s' });
  const source = guarded(guard)(load);
  /** Asks so many times at once, ends them all the same way, and lets that be heard. */
  const many = async (count: number, end: (ask: Ask<string, number>, stop: () => void) => unknown, ms = 60_000) => {
    const calls = Array.from({ length: count }, () => startCall(ms));
    const before = asked.length;
    for (const call of calls) void watch(source('a', call));
    for (const [at, call] of calls.entries()) await end(asked[before + at]!, () => { call.stop(clientGone); });
    await settled();
    for (const call of calls) call.end();
  };
  return { guard, asked, source, many };
}

const fails = (ask: Ask<string, number>): void => { ask.reject(lost); };

test('as long as little was asked nothing is refused, even if all of it failed', async () => {
  const { many, guard, asked } = stage();
  await many(9, fails);
  expect(guard.refusing).toBe(false);
  await many(1, fails);
  expect([guard.refusing, asked.length]).toEqual([true, 10]);
});

test('of a source that fails, who is not let through hears at once that it is resting; the source is not asked', async () => {
  const { many, source, asked, guard } = stage();
  await many(10, fails);
  using call = startCall(1_000);
  const answers = [watch(source('a', call)), watch(source('b', call))];
  await settled();
  expect(answers.map(({ now }) => now)).toMatchObject([{ state: 'failed', atMs: 0, error: guard.resting }, { state: 'failed', atMs: 0, error: guard.resting }]);
  expect(guard.resting).toMatchObject({ code: 'source_resting', message: 'profile is resting, since it has failed too often', retryAfterMs: 1_000, retryable: false });
  expect([asked.length, listening.size]).toEqual([10, 0]);
});

test('one in ten is let through, whatever came before', async () => {
  const { many, source, asked } = stage();
  await many(1_000, fails);
  vi.spyOn(Math, 'random').mockReturnValue(0.9);
  using call = startCall(1_000);
  void watch(source('a', call));
  expect(asked).toHaveLength(1_001);
});

const failure = (code: FailureCode, divisible = false) => (ask: Ask<string, number>): void => { ask.reject(new Failure(code, 'so', { divisible })); };

test.each<[what: string, shows: 'fails' | 'works' | 'nothing', end: (ask: Ask<string, number>, stop: () => void) => unknown]>([
  ['an answer', 'works', (ask) => { ask.resolve(1); }],
  ['that there is nothing', 'works', failure('not_found')],
  ['that the question is not valid', 'works', failure('invalid_input')],
  ['that a key of many is to blame', 'works', failure('source_failed', true)],
  ['an answer of which a part is nonsense', 'works', failure('bad_answer', true)],
  ['a failure', 'fails', failure('source_failed')],
  ['nonsense', 'fails', failure('bad_answer')],
  ['an error that nobody foresaw', 'fails', (ask) => { ask.reject(new Error('lost')); }],
  ['a place that was refused', 'nothing', failure('overloaded')],
  ['a source below that rests', 'nothing', failure('source_resting')],
  ['somebody who left', 'nothing', (ask, stop) => { stop(); ask.stop(); }],
  ['somebody who left, and a source that fails because of it', 'nothing', (ask, stop) => { stop(); ask.reject(lost); }],
])('%s: it %s', async (_, shows, end) => {
  const { many, guard } = stage();
  await many(15, fails);
  vi.spyOn(Math, 'random').mockReturnValue(1);
  await many(15, end);
  // With 15 of 30 accepted all may pass; without them nine of ten are refused.
  expect(guard.throttle.share(performance.now()) > 0).toBe(shows !== 'works');
  const fresh = stage();
  await fresh.many(15, end);
  expect(fresh.guard.refusing).toBe(shows === 'fails');
});

test.each<[string, (ask: Ask<string, number>) => void]>([
  ['an answer', (ask) => { ask.resolve(1); }],
  ['that there is nothing', failure('not_found')],
  ['nothing at all', () => {}],
])('what takes a second has failed, though it brings %s', async (_, end) => {
  const { many, guard } = stage();
  const answers = many(15, async (ask) => {
    if (performance.now() < 1_000) await pass(1_000 - performance.now());
    end(ask);
  }, 1_000);
  await answers;
  expect(guard.refusing).toBe(true);
});

test('callers whose deadline is short do not make a source rest, however many they are and whenever it hears of their end', async () => {
  const { many, guard, asked } = stage();
  await many(100, () => undefined, 999);
  await pass(999);
  for (const ask of asked) if (!ask.landed) ask.reject(lost);
  await settled();
  const hurried = Array.from({ length: 100 }, () => startCall(999));
  const { source, asked: others, guard: other } = stage();
  for (const call of hurried) void watch(source('a', call));
  await pass(999);
  await pass(5_000);
  for (const ask of others) ask.resolve(1);
  await settled();
  expect([guard.refusing, other.refusing, listening.size]).toEqual([false, false, 0]);
});

test('a span says that the guard refused', async () => {
  const { many, source } = stage();
  await many(10, fails);
  const trace = sampledTrace('profile');
  using call = startCall(1_000, trace);
  void watch(source('a', call));
  await settled();
  trace.span.end();
  expect(ended).toMatchObject([{ attributes: { 'tributary.refused': 'guard' } }]);
});

test('a caller whose call is over asks nobody and says nothing', async () => {
  const { source, asked } = stage();
  using call = startCall(1_000);
  call.stop(clientGone);
  await expect(source('a', call)).rejects.toBe(clientGone);
  expect(asked).toEqual([]);
});
