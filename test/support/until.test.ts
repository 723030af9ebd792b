import { expect, test } from 'vitest';
import { until } from './until.ts';

test('what holds is looked at again and again, and what never does ends with a message', async () => {
  let turns = 0;
  await until(() => ++turns > 3, () => 'never told');
  expect(turns).toBe(4);
  await expect(until(() => false, () => 'expected a wonder', 10)).rejects.toThrow('after 10 ms: expected a wonder');
});
