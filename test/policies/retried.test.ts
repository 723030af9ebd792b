import { beforeEach, expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { Count } from '../../src/core/meter.ts';
import { Budget } from '../../src/policies/budget.ts';
import { Guard } from '../../src/policies/guarded.ts';
import { Latencies } from '../../src/policies/latencies.ts';
import { retried } from '../../src/policies/retried.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { recordSpans, sampledTrace } from '../core/spans.ts';
import { scripted } from '../support/scripted.ts';
import { clientGone } from './cache-stage.ts';

fakeTime();
const listening = watchListeners();
const ended = recordSpans();
beforeEach(() => { vi.spyOn(Math, 'random').mockReturnValue(0.5); });

const refused = new Failure('source_failed', 'the connection was refused', { retryable: true });
const broken = new Failure('source_failed', 'the connection broke in the middle of an answer');

/** A source with so many retries saved up, whose answers take 100 ms as a rule. */
function stage({ saved = 1 } = {}) {
  const { source: load, asked } = scripted<string, number>();
  const budget = new Budget({ oneIn: 10, savedMax: 10 });
  for (let at = 0; at < saved * 10 - 1; at++) budget.earn();
  const latencies = new Latencies();
  latencies.add(100);
  const guard = new Guard('recommendations', { slow: '1s' });
  const count = new Count();
  return { asked, guard, budget, count, source: retried({ budget, latencies, guard, count })(load) };
}

test('where nothing of an answer had come, it is asked once more, after a moment', async () => {
  const { source, asked, count } = stage();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  asked[0]!.reject(refused);
  await pass(24);
  expect([asked.length, count.value]).toEqual([1, 1]);
  await pass(1);
  expect(asked.map(({ input, call }) => [input, call])).toEqual([['a', call], ['a', call]]);
  asked[1]!.resolve(1);
  await settled();
  expect(answer.now).toEqual({ state: 'answered', value: 1, atMs: 25 });
  expect([listening.size, vi.getTimerCount(), count.value]).toEqual([0, 1, 1]);
});

test('once, and not twice', async () => {
  const { source, asked } = stage({ saved: 5 });
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  asked[0]!.reject(refused);
  await pass(50);
  const again = new Failure('source_failed', 'refused again', { retryable: true });
  asked[1]!.reject(again);
  await pass(50);
  expect(asked).toHaveLength(2);
  expect(answer.now).toMatchObject({ state: 'failed', error: again });
});

test.each<[string, unknown]>([
  ['after a byte of an answer', broken],
  ['what nobody foresaw', new Error('lost')],
  ['that there is nothing', new Failure('not_found', 'nothing')],
])('not %s', async (_, error) => {
  const { source, asked } = stage();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  asked[0]!.reject(error);
  await pass(100);
  expect([asked.length, answer.now]).toMatchObject([1, { state: 'failed', error, atMs: 0 }]);
});

test('not before ten were asked, and then one for ten', async () => {
  const { source, asked } = stage({ saved: 0 });
  using call = startCall(60_000);
  for (let first = 0; first < 40; first++) {
    const answer = watch(source('a', call));
    asked.at(-1)!.reject(refused);
    await pass(60);
    if (answer.now.state === 'pending') asked.at(-1)!.resolve(1);
    await settled();
  }
  expect(asked).toHaveLength(44);
});

test('who left earns nothing: perhaps they waited for a place, and asked nothing', async () => {
  const { source, asked, budget } = stage();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  call.stop(clientGone);
  asked[0]!.reject(clientGone);
  await settled();
  expect([answer.now, budget.affords]).toMatchObject([{ state: 'failed', error: clientGone }, false]);
});

test.each([[101, 1, 'with no time left for an answer'], [126, 2, 'with time for one']])('at %d ms before the deadline it is asked %d times: %s', async (leftMs, times) => {
  const { source, asked } = stage();
  using call = startCall(leftMs);
  await pass(1);
  void watch(source('a', call));
  asked[0]!.reject(refused);
  await pass(26);
  expect(asked).toHaveLength(times);
});

test('not while the guard refuses', async () => {
  const { source, asked, guard } = stage({ saved: 2 });
  for (let at = 0; at < 20; at++) guard.throttle.count(false, performance.now());
  using call = startCall(1_000);
  void watch(source('a', call));
  asked[0]!.reject(refused);
  await pass(100);
  expect(asked).toHaveLength(1);
});

test('not before the moment that the source has named, and not if that is too late', async () => {
  const { source, asked } = stage({ saved: 2 });
  const busy = new Failure('source_failed', 'busy', { retryable: true, retryAfterMs: 1_000 });
  using patient = startCall(2_000);
  void watch(source('a', patient));
  asked[0]!.reject(busy);
  await pass(999);
  expect(asked).toHaveLength(1);
  await pass(26);
  expect(asked).toHaveLength(2);
  using hurried = startCall(1_050);
  const late = watch(source('a', hurried));
  asked[2]!.reject(busy);
  await settled();
  expect(late.now).toMatchObject({ state: 'failed', error: busy, atMs: 0 });
});

test('who leaves in between is not retried for', async () => {
  const { source, asked } = stage();
  using call = startCall(1_000);
  const answer = watch(source('a', call));
  asked[0]!.reject(refused);
  await pass(1);
  call.stop(clientGone);
  await pass(100);
  expect([asked.length, answer.now]).toMatchObject([1, { state: 'failed', error: clientGone }]);
  expect([listening.size, vi.getTimerCount()]).toEqual([0, 0]);
});

test('a span says what was retried', async () => {
  const { source, asked } = stage();
  const trace = sampledTrace('recommendations');
  using call = startCall(1_000, trace);
  void watch(source('a', call));
  asked[0]!.reject(refused);
  await pass(50);
  trace.span.end();
  expect(ended).toMatchObject([{ attributes: { 'tributary.retried': 'source_failed' } }]);
});
