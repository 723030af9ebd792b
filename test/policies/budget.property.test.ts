import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Budget } from '../../src/policies/budget.ts';

const schedules = fc.array(fc.oneof({ weight: 8, arbitrary: fc.constant('first' as const) }, { weight: 2, arbitrary: fc.constant('extra' as const) }), { maxLength: 400 });
const rules = fc.record({ oneIn: fc.integer({ min: 1, max: 50 }), savedMax: fc.integer({ min: 1, max: 10 }) });

test('in no schedule, at no moment, is more asked in addition than its share; and a burst after quiet is bounded', () => {
  fc.assert(fc.property(rules, schedules, ({ oneIn, savedMax }, schedule) => {
    const budget = new Budget({ oneIn, savedMax });
    let [first, extra, inRow] = [0, 0, 0];
    for (const each of schedule) {
      if (each === 'first') {
        budget.earn();
        first++;
        inRow = 0;
      } else if (budget.affords) {
        budget.spend();
        extra++;
        inRow++;
      }
      expect(extra * oneIn).toBeLessThanOrEqual(first);
      expect(inRow).toBeLessThanOrEqual(savedMax);
    }
  }));
});

test('what is earned can be spent: one for each ten', () => {
  const budget = new Budget({ oneIn: 10, savedMax: 10 });
  let spent = 0;
  for (let first = 0; first < 1_000; first++) {
    budget.earn();
    if (!budget.affords) continue;
    budget.spend();
    spent++;
  }
  expect(spent).toBe(100);
});
