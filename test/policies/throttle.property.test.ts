import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Throttle } from '../../src/policies/throttle.ts';

const outcomes = fc.array(fc.record({ afterMs: fc.nat(400), accepted: fc.boolean() }), { maxLength: 60 });

test('nothing is refused before ten have ended, and never more than nine in ten', () => {
  fc.assert(fc.property(outcomes, (heard) => {
    const throttle = new Throttle();
    let now = 0;
    for (const [at, { afterMs, accepted }] of heard.entries()) {
      now += afterMs;
      const share = throttle.share(now);
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(at < 10 ? 0 : 0.9);
      throttle.count(accepted, now);
    }
  }));
});

test('a source that answers every second question is never refused one', () => {
  fc.assert(fc.property(fc.array(fc.nat(400), { maxLength: 60 }), (pauses) => {
    const throttle = new Throttle();
    let now = 0;
    for (const [at, afterMs] of pauses.entries()) {
      now += afterMs;
      // The failure first and then, in the same moment, the answer.
      throttle.count(false, now);
      throttle.count(true, now);
      expect(throttle.refuses(now), `question ${at}`).toBe(false);
    }
  }));
});

test('what is long ago is forgotten', () => {
  fc.assert(fc.property(outcomes, (heard) => {
    const throttle = new Throttle();
    let now = 0;
    for (const { afterMs, accepted } of heard) throttle.count(accepted, (now += afterMs));
    expect(throttle.share(now + 2_000)).toBe(0);
  }));
});

/** A chance that is the same in each run: mulberry32. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Asks so often a second for ten seconds of outage and then ten more; answers what was let through in it, and how long after it somebody was refused. */
function outage(throttle: Throttle, perSecond: number, failMs: number, answerMs: number): { readonly during: number; readonly backMs: number } {
  // When failures and answers land, each in order.
  const [failures, answers]: [number[], number[]] = [[], []];
  const land = (now: number) => {
    for (;;) {
      const isFailure = (failures[0] ?? Infinity) <= (answers[0] ?? Infinity);
      const landing = isFailure ? failures : answers;
      if ((landing[0] ?? Infinity) > now) return;
      throttle.count(!isFailure, landing.shift()!);
    }
  };
  let passed = 0;
  let lastRefused = 0;
  for (let now = 0; now < 20_000; now += 1_000 / perSecond) {
    land(now);
    const isOver = now >= 10_000;
    if (throttle.refuses(now)) {
      if (isOver) lastRefused = now - 10_000;
      continue;
    }
    if (isOver) answers.push(now + answerMs);
    else failures.push(now + failMs);
    if (now >= 5_000 && !isOver) passed++;
  }
  return { during: passed / (5 * perSecond), backMs: lastRefused };
}

test.each([
  [100, 5, 5], [1_000, 5, 5], [200, 1_950, 20], [1_000, 1_950, 100], [100, 300, 300],
])('with %d questions a second, failures after %d ms and answers after %d ms: a tenth is let through in an outage, and all within 5 s of its end', (perSecond, failMs, answerMs) => {
  for (let seed = 1; seed <= 10; seed++) {
    vi.spyOn(Math, 'random').mockImplementation(chance(seed));
    const { during, backMs } = outage(new Throttle(), perSecond, failMs, answerMs);
    expect(during).toBeGreaterThan(0.05);
    expect(during).toBeLessThan(0.2);
    expect(backMs).toBeGreaterThan(0);
    expect(backMs).toBeLessThan(5_000);
  }
});
