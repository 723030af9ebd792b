import { expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { memoised } from '../../src/policies/memoised.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { scripted } from '../support/scripted.ts';

fakeTime();
const listening = watchListeners();

const clientGone = new Failure('client_gone', 'the client went away');
const notFound = new Failure('not_found', 'nothing there');

function known() {
  const { source, asked } = scripted<string, number>();
  return { asked, source: memoised((input: string) => input.toLowerCase())(source) };
}

test('a request asks the same thing once, whether the answer is on its way or there', async () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  const answers = Promise.all([source('a', call.fork('one')), source('A', call.fork('two'))]);
  asked[0]!.resolve(1);
  expect(await answers).toEqual([1, 1]);
  expect(await source('a', call.fork('three'))).toBe(1);
  expect(asked).toHaveLength(1);
});

test.each([
  ['something else', 'b', 'call'],
  ['the same for another request', 'a', 'other'],
] as const)('who asks %s asks anew', async (_, input, who) => {
  const { asked, source } = known();
  using call = startCall(1_000);
  using other = startCall(1_000);
  const answers = Promise.all([source('a', call), source(input, { call, other }[who])]);
  asked[0]!.resolve(1);
  asked[1]!.resolve(2);
  expect(await answers).toEqual([1, 2]);
});

test('two sources with equal keys do not know each other’s answers', async () => {
  const [one, two] = [known(), known()];
  using call = startCall(1_000);
  const answers = Promise.all([one.source('a', call), two.source('a', call)]);
  one.asked[0]!.resolve(1);
  two.asked[0]!.resolve(2);
  expect(await answers).toEqual([1, 2]);
});

test('a failure is known as well', async () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  const first = watch(source('a', call));
  asked[0]!.reject(notFound);
  await settled();
  expect(first.now).toMatchObject({ state: 'failed', error: notFound });
  await expect(source('a', call)).rejects.toBe(notFound);
  expect(asked).toHaveLength(1);
});

test('everybody who asks says how it was served, also those who come later', async () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  const [early, late] = [call.fork('early'), call.fork('late')];
  const answer = source('a', early);
  asked[0]!.call.flight.served = 'stale';
  asked[0]!.resolve(1);
  await answer;
  await source('a', late);
  expect([early.flight.served, late.flight.served]).toEqual(['stale', 'stale']);
});

test('the work lies within the request and outside of every part, with all the time of the request', () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  void watch(source('a', call.fork('part').within(100)));
  const { call: own } = asked[0]!;
  expect(own.root).toBe(call);
  expect([own.part, own.leftMs()]).toEqual([undefined, 1_000]);
  expect(own.flight).not.toBe(call.flight);
});

test('who asked first may leave first: the others still get the answer', async () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  const [first, second] = [call.fork('first'), call.fork('second')];
  const answers = [watch(source('a', first)), watch(source('a', second))];
  first.stop(clientGone);
  await settled();
  expect(answers[0]!.now).toMatchObject({ state: 'failed', error: clientGone });
  expect(asked[0]!.stopped).toBe(false);
  asked[0]!.resolve(1);
  await settled();
  expect(answers[1]!.now).toMatchObject({ state: 'answered', value: 1 });
});

test('the last to leave stops the work, with its reason, and who asks then asks anew', async () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  const [first, second] = [call.fork('first'), call.fork('second')];
  void watch(source('a', first));
  void watch(source('a', second));
  first.end();
  second.stop(clientGone);
  expect(asked[0]!.call.reason).toBe(clientGone);
  const answer = watch(source('a', call.fork('third')));
  expect(asked).toHaveLength(2);
  asked[0]!.stop();
  asked[1]!.resolve(2);
  await settled();
  expect(answer.now).toMatchObject({ state: 'answered', value: 2 });
});

test('the end of the request stops what it asked, and leaves nothing behind', async () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  const answers = [watch(source('a', call)), watch(source('a', call.fork('part')))];
  await pass(1_000);
  expect(answers.map(({ now }) => now)).toMatchObject([{ error: { code: 'deadline_exceeded' } }, { error: { code: 'deadline_exceeded' } }]);
  expect(asked[0]!.stopped).toBe(true);
  expect(listening.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('once it is known, what the source left running is stopped and nobody listens', async () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  const answer = source('a', call);
  asked[0]!.resolve(1);
  await answer;
  expect(asked[0]!.call.reason?.code).toBe('call_over');
  expect(listening.size).toBe(0);
});

test('a call that is over is told why, even where the answer is known', async () => {
  const { asked, source } = known();
  using call = startCall(1_000);
  const gone = call.fork('gone');
  gone.stop(clientGone);
  await expect(source('a', gone)).rejects.toBe(clientGone);
  expect(asked).toEqual([]);
  const answer = source('a', call);
  asked[0]!.resolve(1);
  await answer;
  await expect(source('a', gone)).rejects.toBe(clientGone);
});
