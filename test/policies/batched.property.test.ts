import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { type Call, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { fakeTime, pass, settled, watch, type Watched } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { answer, batch, type Query } from './batch-script.ts';

fakeTime();
const listening = watchListeners();

const clientGone = new Failure('client_gone', 'the client went away');
const limits = { sizeMax: 3, inFlightMax: 2, waitingMax: 6 };

interface Asker {
  readonly key: string;
  readonly call: Call;
  readonly answer: { readonly now: Watched<string> };
}

type Does = (at: { readonly askers: Asker[]; readonly queries: readonly Query[]; readonly ask: (key: string, ms: number) => void }) => void | Promise<void>;
/** The words are for whoever reads a counterexample. */
type Deed = readonly [words: string, does: Does];
const deedOf = (words: string, does: Does): Deed => [words, does];
const nth = fc.nat(30);
const ms = fc.integer({ min: 1, max: 30 });
const open = (queries: readonly Query[]) => queries.filter(({ landed }) => !landed);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), ms).map(([key, ms]) => deedOf(`ask ${key} for ${ms} ms`, ({ ask }) => { ask(key, ms); })) },
  { weight: 2, arbitrary: nth.map((at) => deedOf(`asker ${at} leaves`, ({ askers }) => { askers[at % askers.length]?.call.stop(clientGone); })) },
  { weight: 2, arbitrary: nth.map((at) => deedOf(`query ${at} answers`, ({ queries }) => { const query = open(queries)[at % open(queries).length]; if (query) answer(query); })) },
  { weight: 1, arbitrary: nth.map((at) => deedOf(`query ${at} fails`, ({ queries }) => { open(queries)[at % open(queries).length]?.reject(new Error('lost')); })) },
  { weight: 2, arbitrary: fc.constant(deedOf('the turn ends', () => pass(0))) },
  { weight: 1, arbitrary: ms.map((ms) => deedOf(`${ms} ms pass`, () => pass(ms))) },
);

/** What may be true of an asker: it waits while its call goes on, and ends for its own reason, with its own answer, or with a failure of its query. */
function expectFair({ key, call, answer }: Asker): void {
  const { now } = answer;
  if (now.state === 'answered') expect(now.value).toBe(`answer ${key}`);
  else if (now.state === 'failed' && now.error !== call.reason) expect(['source_failed', 'overloaded']).toContain((now.error as Failure).code);
  else if (now.state === 'pending') expect(call.over).toBe(false);
}

test('whoever asks, leaves and runs out of time when: each hears once and rightly, limits hold, and nothing stays', async () => {
  await fc.assert(fc.asyncProperty(fc.array(deed, { maxLength: 40 }), async (deeds) => {
    const { queries, source } = batch(limits);
    const askers: Asker[] = [];
    const ask = (key: string, ms: number) => {
      const call = startCall(ms);
      askers.push({ key, call, answer: watch(source(key, call)) });
    };
    for (const [, does] of deeds) {
      await does({ askers, queries, ask });
      await settled();
      askers.forEach(expectFair);
      // One that was stopped a second ago and goes on all the same has lost its place.
      const underWay = open(queries).filter(({ stopped }) => !stopped).length;
      expect(underWay).toBeLessThanOrEqual(limits.inFlightMax);
      for (const { input } of queries) expect([input.length <= limits.sizeMax, new Set(input).size]).toEqual([true, input.length]);
      // Who listens: each asker that waits, and each batch to its own end.
      expect(listening.size).toBe(askers.filter(({ answer }) => answer.now.state === 'pending').length + underWay);
    }
    for (const { call } of askers) call.stop(clientGone);
    await pass(0);
    expect(queries.filter(({ stopped, landed }) => !landed && !stopped)).toEqual([]);
    for (const query of open(queries)) query.stop();
    await settled();
    askers.forEach(expectFair);
    expect(listening.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  }), { numRuns: 200 });
});

test('as long as queries end, everybody who is patient gets an answer, in whichever order they end', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.stringMatching(/^[a-z]$/), { minLength: 1, maxLength: 60 }), fc.infiniteStream(nth), async (keys, picks) => {
    const { queries, source } = batch({ sizeMax: 3, inFlightMax: 2 });
    using call = startCall(1_000);
    const answers = Promise.all(keys.map((key) => source(key, call)));
    await pass(0);
    for (const pick of picks) {
      const [...waiting] = open(queries);
      if (waiting.length === 0) break;
      answer(waiting[pick % waiting.length]!);
      await settled();
    }
    expect(await answers).toEqual(keys.map((key) => `answer ${key}`));
    expect(queries.flatMap(({ input }) => input).toSorted()).toEqual([...new Set(keys)].toSorted());
  }), { numRuns: 100 });
});
