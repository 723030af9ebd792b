import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Gradient2, UsualTime } from '../../../src/http/admission/gradient2.ts';

/** Netflix's update, written down as it is there, with the constants in the text. */
function model(most: number) {
  let limit = 20;
  let count = 0;
  let sum = 0;
  let long = 0;
  return {
    sample(short: number, inFlight: number) {
      if (count < 10) {
        count++;
        sum += short;
        long = sum / count;
      } else {
        const factor = 2 / (600 + 1);
        long = long * (1 - factor) + short * factor;
      }
      const before = long;
      if (long / short > 2) long *= 0.95;
      if (inFlight < limit / 2) return limit;
      const gradient = Math.max(0.5, Math.min(1, (1.5 * before) / short));
      const next = limit * gradient + 4;
      limit = Math.max(20, Math.min(most, limit * (1 - 0.2) + next * 0.2));
      return limit;
    },
  };
}

test('it is Gradient2Limit, whatever the samples are', () => {
  const samples = fc.array(fc.tuple(fc.double({ min: 0.1, max: 5_000, noNaN: true }), fc.nat(2_000)), { maxLength: 300 });
  fc.assert(fc.property(samples, fc.integer({ min: 20, max: 1_000 }), (all, most) => {
    const gradient = new Gradient2(most);
    const usual = new UsualTime();
    const expected = model(most);
    for (const [ms, inFlight] of all) {
      const limit = expected.sample(ms, inFlight);
      gradient.sample(ms, inFlight, usual);
      // Sums in another order may differ in their last digit.
      expect(Math.abs(gradient.limit - limit)).toBeLessThan(1.001);
    }
  }));
});

function steady(samples: number, { ms = 10, inFlight = 1_000 } = {}) {
  const gradient = new Gradient2(10_000);
  const usual = new UsualTime();
  for (let at = 0; at < samples; at++) gradient.sample(ms, inFlight, usual);
  return { gradient, usual };
}

test('as long as answers take as long as ever, a limit that is reached grows', () => {
  expect(steady(0).gradient.limit).toBe(20);
  expect(steady(100).gradient.limit).toBe(100);
});

test('a limit that is not tried stays', () => {
  expect(steady(100, { inFlight: 9 }).gradient.limit).toBe(20);
});

test('when answers begin to wait for each other it falls, to 20 at the least', () => {
  const { gradient, usual } = steady(500);
  const before = gradient.limit;
  for (let at = 0; at < 10; at++) gradient.sample(100, 1_000, usual);
  expect(gradient.limit).toBeLessThan(before / 2);
  for (let at = 0; at < 100; at++) gradient.lower();
  expect(gradient.limit).toBe(20);
});

test('after an overload that has become usual it is soon back', () => {
  const { gradient, usual } = steady(1_000, { ms: 1_000 });
  expect(usual.ms).toBeCloseTo(1_000);
  for (let at = 0; at < 100; at++) gradient.sample(10, 1_000, usual);
  expect(usual.ms).toBeLessThan(25);
});
