import { expect, test, vi } from 'vitest';
import { type Call, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { coalesced } from '../../src/policies/coalesced.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { scripted } from '../support/scripted.ts';

fakeTime();
const listening = watchListeners();

const clientGone = new Failure('client_gone', 'the client went away');

function shared() {
  const { source, asked } = scripted<string, number>();
  return { asked, source: coalesced((input: string) => input.toLowerCase())(source) };
}

test('callers who ask the same at the same time share one load, and all get its answer', async () => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  using other = startCall(1_000);
  const answers = Promise.all([source('a', call), source('A', other), source('a', call.inner())]);
  expect(asked.map(({ input }) => input)).toEqual(['a']);
  asked[0]!.resolve(1);
  expect(await answers).toEqual([1, 1, 1]);
  expect(listening.size).toBe(1);
});

test('callers who ask something else have a load of their own', async () => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  const answers = Promise.all([source('a', call), source('b', call)]);
  expect(asked.map(({ input }) => input)).toEqual(['a', 'b']);
  asked[1]!.resolve(2);
  asked[0]!.resolve(1);
  expect(await answers).toEqual([1, 2]);
});

test('the load runs in a call that no caller owns: nothing of theirs but the deadline of the first is in it', () => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  void watch(source('a', call.fork('part')));
  const { call: own } = asked[0]!;
  expect(own.root).toBe(own);
  expect(own.memo).not.toBe(call.memo);
  expect([own.part, own.deadlineAt]).toEqual([undefined, call.deadlineAt]);
  expect(vi.getTimerCount()).toBe(1);
});

test.each([0, 1, 2])('caller number %d of three may leave: it hears at once why, the others get the answer', async (leaver) => {
  const { asked, source } = shared();
  const calls = [startCall(1_000), startCall(1_000), startCall(1_000)];
  const answers = calls.map((call) => watch(source('a', call)));
  calls[leaver]!.stop(clientGone);
  await settled();
  expect(answers[leaver]!.now).toMatchObject({ state: 'failed', error: clientGone });
  expect(asked[0]!.stopped).toBe(false);
  asked[0]!.resolve(1);
  await settled();
  expect(answers.filter(({ now }) => now.state === 'answered')).toHaveLength(2);
  for (const call of calls) call.end();
});

test('the last caller to leave stops the load, with its reason', async () => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  using other = startCall(500);
  const answers = [watch(source('a', call)), watch(source('a', other))];
  call.stop(clientGone);
  expect(asked[0]!.stopped).toBe(false);
  await pass(500);
  expect(asked[0]!.call.reason).toMatchObject({ code: 'deadline_exceeded', message: 'no answer within 500 ms' });
  expect(answers.map(({ now }) => now)).toMatchObject([{ error: clientGone }, { error: { code: 'deadline_exceeded' } }]);
});

test('after all have left, a new caller has a new load, and the old one may end as it likes', async () => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  using gone = startCall(1_000);
  void watch(source('a', gone));
  gone.stop(clientGone);
  const answer = watch(source('a', call));
  expect(asked).toHaveLength(2);
  asked[0]!.resolve(1);
  await settled();
  const third = watch(source('a', call));
  expect(asked).toHaveLength(2);
  asked[1]!.resolve(2);
  await settled();
  expect([answer.now, third.now]).toMatchObject([{ value: 2 }, { value: 2 }]);
});

const landings: readonly [string, (ask: { resolve(value: number): void; reject(error: unknown): void }) => void][] = [
  ['answered', (ask) => { ask.resolve(1); }],
  ['failed', (ask) => { ask.reject(new Error('lost')); }],
];

test.each(landings)('a load that has %s is over: the next caller has a new one', async (_, land) => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  void watch(source('a', call));
  land(asked[0]!);
  await settled();
  expect(asked[0]!.call.reason?.code).toBe('call_over');
  void watch(source('a', call));
  expect(asked).toHaveLength(2);
  expect(asked[1]!.stopped).toBe(false);
});

test('all callers get the failure of the load', async () => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  const answers = [watch(source('a', call)), watch(source('a', call))];
  const failure = new Failure('bad_answer', 'nonsense');
  asked[0]!.reject(failure);
  await settled();
  expect(answers.map(({ now }) => now)).toMatchObject([{ error: failure }, { error: failure }]);
  expect(listening.size).toBe(0);
});

test('all callers say how the load was served', async () => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  const forks: Call[] = [call.fork('a'), call.fork('b')];
  const answers = Promise.all(forks.map((fork) => source('a', fork)));
  asked[0]!.call.flight.served = 'cache';
  asked[0]!.resolve(1);
  await answers;
  expect(forks.map(({ flight }) => flight.served)).toEqual(['cache', 'cache']);
});

test('a caller with more time than the first one stays aboard after its deadline', async () => {
  const { asked, source } = shared();
  using call = startCall(100);
  using longer = startCall(1_000);
  const answers = [watch(source('a', call)), watch(source('a', longer))];
  await pass(100);
  expect(asked[0]!.stopped).toBe(false);
  asked[0]!.resolve(1);
  await settled();
  expect(answers.map(({ now }) => now.state)).toEqual(['failed', 'answered']);
});

test('a load past the deadline of its first caller takes nobody aboard, and leaves the newer load its place', async () => {
  const { asked, source } = shared();
  using call = startCall(100);
  using longer = startCall(1_000);
  const first = [watch(source('a', call)), watch(source('a', longer))];
  await pass(99);
  void watch(source('a', longer));
  expect(asked).toHaveLength(1);
  await pass(1);
  const second = watch(source('a', longer));
  expect(asked).toHaveLength(2);
  asked[0]!.resolve(1);
  await settled();
  const third = watch(source('a', longer));
  expect(asked).toHaveLength(2);
  asked[1]!.resolve(2);
  await settled();
  expect([first[1]!.now, second.now, third.now]).toMatchObject([{ value: 1 }, { value: 2 }, { value: 2 }]);
});

test('a caller whose call is over asks nobody and joins nobody', async () => {
  const { asked, source } = shared();
  using call = startCall(1_000);
  using gone = startCall(1_000);
  gone.stop(clientGone);
  await expect(source('a', gone)).rejects.toBe(clientGone);
  expect(asked).toEqual([]);
  void watch(source('a', call));
  await expect(source('a', gone)).rejects.toBe(clientGone);
  expect(listening.size).toBe(1);
});
