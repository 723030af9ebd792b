import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { type ModelCall, Twice } from './call-model.ts';
import { fakeTime } from './fake-time.ts';

fakeTime();

type Does = (twice: Twice, call: ModelCall) => void;
/** The words are for whoever reads a counterexample. */
const deedOf = (words: string, does: Does) => ({ words, does });

const ms = fc.integer({ min: 1, max: 60 });
const nth = fc.nat(30);
const pick = <T>(items: readonly T[], at: number): T | undefined => items[at % items.length];

const deed = fc.oneof(
  ms.map((ms) => deedOf(`start ${ms} ms`, (twice) => { twice.start(startCall(ms), ms); })),
  ms.map((ms) => deedOf(`pass ${ms} ms`, (twice) => { twice.pass(ms); })),
  ms.map((ms) => deedOf(`within ${ms} ms`, (twice, call) => { twice.within(call, ms); })),
  fc.constant(deedOf('inner', (twice, call) => { twice.inner(call); })),
  fc.constant(deedOf('listen', (twice, call) => { twice.listen(call); })),
  nth.map((at) => deedOf(`listen, and drop ${at} when hearing`, (twice, call) => { twice.listen(call, pick(twice.ears, at)); })),
  nth.map((at) => deedOf(`unlisten ${at}`, (twice, call) => {
    const ear = pick(twice.ears, at);
    if (ear) twice.unlisten(call, ear);
  })),
  fc.constant(deedOf('stop', (twice, call) => { twice.stop(call); })),
);

function expectSame({ calls, ears, timers }: Twice): void {
  expect(calls.map(({ real }) => real.reason?.code)).toEqual(calls.map(({ heard }) => heard[0]));
  expect(ears.map(({ real }) => real.heard.map(({ code }) => code))).toEqual(ears.map(({ heard }) => heard));
  // Who is over is not kept by who goes on.
  expect([...calls, ...ears].map(({ real }) => real.heardOf)).toEqual([...calls, ...ears].map(({ tells }) => tells?.real));
  expect(vi.getTimerCount()).toBe(timers);
}

test('in any tree of calls, whatever is stopped when: each listener hears once or never, children end with their parents, and no timer stays', () => {
  fc.assert(fc.property(fc.array(fc.tuple(deed, nth), { maxLength: 40 }), (deeds) => {
    const twice = new Twice();
    twice.start(startCall(100), 100);
    for (const [{ does }, at] of deeds) {
      does(twice, pick(twice.calls, at)!);
      expectSame(twice);
    }
    for (const call of twice.calls) twice.end(call);
    expectSame(twice);
    expect(vi.getTimerCount()).toBe(0);
    expect(Math.max(0, ...twice.ears.map(({ heard }) => heard.length))).toBeLessThanOrEqual(1);
  }), { numRuns: 500 });
});
