import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { type Call, startCall } from '../../src/core/call.ts';
import { limited } from '../../src/policies/limited.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { recordSpans, sampledTrace } from '../core/spans.ts';
import { scripted } from '../support/scripted.ts';
import { clientGone, lost } from './cache-stage.ts';

fakeTime();
const listening = watchListeners();
const ended = recordSpans();

function stage(underWay = 2, waiting = 2) {
  const { source: load, asked } = scripted<string, number>();
  const source = limited('recommendations', { underWay, waiting })(load);
  const ask = (input: string, ms = 60_000) => {
    const call = startCall(ms);
    return { call, answer: watch(source(input, call)) };
  };
  return { asked, ask, inputs: () => asked.map(({ input }) => input).join('') };
}

test('so many are under way, so many wait, and those beyond are refused at once', async () => {
  const { ask, inputs } = stage();
  const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((input) => ask(input));
  await settled();
  expect(inputs()).toBe('ab');
  expect(all.map(({ answer }) => answer.now.state)).toEqual(['pending', 'pending', 'pending', 'pending', 'failed', 'failed']);
  const [first, second] = all.slice(4).map(({ answer }) => answer.now.state === 'failed' && answer.now.error);
  expect(first).toMatchObject({ code: 'overloaded', message: 'too many questions wait for recommendations', retryAfterMs: 1_000 });
  expect(second).toBe(first);
  for (const { call } of all) call.end();
  await pass(1_000);
});

test('who came first is next, whatever became of the one before', async () => {
  const { ask, asked, inputs } = stage(1, 3);
  const all = ['a', 'b', 'c', 'd'].map((input) => ask(input));
  asked[0]!.resolve(1);
  await settled();
  expect(inputs()).toBe('ab');
  asked[1]!.reject(lost);
  await settled();
  asked[2]!.resolve(3);
  await settled();
  asked[3]!.resolve(4);
  await settled();
  expect(inputs()).toBe('abcd');
  expect(all.map(({ answer }) => answer.now)).toMatchObject([{ value: 1 }, { error: lost }, { value: 3 }, { value: 4 }]);
  expect(listening.size).toBe(0);
  for (const { call } of all) call.end();
});

test('who waits and leaves is never asked for, and somebody else may wait in their stead', async () => {
  const { ask, asked, inputs } = stage(1, 3);
  const [first, ...waiting] = ['a', 'b', 'c', 'd'].map((input) => ask(input));
  for (const leaver of [1, 2]) {
    waiting[leaver]!.call.stop(clientGone);
    await settled();
    expect(waiting[leaver]!.answer.now).toMatchObject({ state: 'failed', error: clientGone });
  }
  const others = ['e', 'f'].map((input) => ask(input));
  asked[0]!.resolve(1);
  for (const at of [1, 2, 3]) {
    await settled();
    asked[at]!.resolve(1);
  }
  await settled();
  expect(inputs()).toBe('abef');
  for (const { call } of [first!, ...waiting, ...others]) call.end();
});

test('an attempt that was stopped keeps its place until it has ended, but no longer than a second', async () => {
  for (const [endsAt, nextAt] of [[300, 300], [5_000, 1_000]] as const) {
    const { ask, asked } = stage(1, 1);
    const [first, second] = [ask('a'), ask('b')];
    first.call.stop(clientGone);
    await pass(Math.min(endsAt, nextAt) - 1);
    expect(asked).toHaveLength(1);
    await pass(1);
    if (endsAt === nextAt) asked[0]!.stop();
    await settled();
    expect(asked).toHaveLength(2);
    if (endsAt !== nextAt) asked[0]!.stop();
    asked[1]!.resolve(1);
    await settled();
    second.call.end();
    expect([listening.size, vi.getTimerCount()]).toEqual([0, 0]);
    const after = [ask('c'), ask('d')];
    await settled();
    // One place, and not two because it was given back twice.
    expect(asked).toHaveLength(3);
    asked[2]!.resolve(1);
    for (const { call } of after) call.end();
    await settled();
  }
});

test('a caller whose call is over takes no place', async () => {
  const { ask, inputs } = stage(1, 0);
  const gone = startCall(1_000);
  gone.stop(clientGone);
  const source = limited('recommendations', { underWay: 1, waiting: 0 })(() => Promise.resolve(1));
  await expect(source('a', gone)).rejects.toBe(clientGone);
  const { call } = ask('b');
  expect(inputs()).toBe('b');
  call.end();
  await pass(1_000);
});

test('a span says that there was no room', async () => {
  const source = limited('recommendations', { underWay: 1, waiting: 0 })(() => new Promise<number>(() => undefined));
  const trace = sampledTrace('recommendations');
  using call = startCall(1_000, trace);
  void watch(source('a', call));
  void watch(source('b', call));
  trace.span.end();
  expect(ended).toMatchObject([{ attributes: { 'tributary.refused': 'limit' } }]);
  call.end();
  await pass(1_000);
});

const steps = fc.array(fc.oneof(
  fc.constant({ what: 'ask' as const, at: 0 }),
  fc.record({ what: fc.constantFrom('land' as const, 'fail' as const, 'leave' as const), at: fc.nat(20) }),
  fc.record({ what: fc.constant('wait' as const), at: fc.nat(1_200) }),
), { maxLength: 60 });

test('in any schedule no more than there are places are under way, nobody who waits is lost, and nothing stays', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.nat(3), steps, async (underWay, waiting, schedule) => {
    const { ask, asked } = stage(underWay, waiting);
    const all: { readonly call: Call; readonly answer: ReturnType<typeof watch<number>> }[] = [];
    for (const { what, at } of schedule) {
      const open = asked.filter(({ landed }) => !landed);
      if (what === 'ask') all.push(ask('a'));
      else if (what === 'land') open[at % open.length]?.resolve(1);
      else if (what === 'fail') open[at % open.length]?.reject(lost);
      else if (what === 'leave') all[at % all.length]?.call.stop(clientGone);
      else await pass(at);
      await settled();
      // Those that were stopped and are deaf lose their place after a second.
      expect(asked.filter(({ landed, stopped }) => !landed && !stopped).length).toBeLessThanOrEqual(underWay);
    }
    for (let open = asked.filter(({ landed }) => !landed); open.length > 0; open = asked.filter(({ landed }) => !landed)) {
      for (const each of open) each.resolve(1);
      await settled();
    }
    expect(all.filter(({ answer }) => answer.now.state === 'pending')).toEqual([]);
    for (const { call } of all) call.end();
    expect([listening.size, vi.getTimerCount()]).toEqual([0, 0]);
  }), { numRuns: 100 });
});

test.each([[0, 1], [1, -1], [1.5, 1], [Number.NaN, 1], [1, Number.NaN]])('with %d places, and room for %d to wait, everybody would wait for ever: that is no limit', (underWay, waiting) => {
  expect(() => stage(underWay, waiting)).toThrow(/^expected (underWay|waiting) of a limit to be a whole number from [01], but got: /);
  expect(() => stage(1, 0)).not.toThrow();
});
