import { afterAll, expect } from 'vitest';

/**
 * Facts that have to hold at least once in a file of tests: that the fault really happened, that the mechanism really
 * answered it. A test that passes because its fault never fired has proved nothing.
 *
 *     const saw = sometimes('Redis was frozen', 'an answer came without it');
 *     saw('Redis was frozen', (await redis.state()) === 'T');
 */
export function sometimes<const Fact extends string>(...facts: readonly Fact[]): (fact: Fact, holds?: boolean) => void {
  const missing = new Set(facts);
  afterAll(() => { expect([...missing], 'never seen').toEqual([]); });
  return (fact, holds = true) => { if (holds) missing.delete(fact); };
}
