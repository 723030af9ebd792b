import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { excerpt, excerptMax } from '../../src/sources/sentiment.ts';

test.each([
  ['great terrible', 5, 'great'],
  ['  great  ', 5, 'great'],
  ['great', 512, 'great'],
  ['😀😀😀', 2, '😀😀'],
  ['a😀b', 2, 'a😀'],
  ['👩‍👩‍👧', 1, '👩'],
])('the beginning of %j in %d characters is %j', (text, length, beginning) => {
  expect(excerpt(text, length)).toEqual({ text: beginning });
});

test('it is a prefix of the text without white space around it, as long as may be, and has no half character', () => {
  const text = fc.array(fc.constantFrom('a', ' ', 'é', '\n', '😀', '👩‍👧', '\u00a0'), { maxLength: 40 }).map((characters) => characters.join(''));
  fc.assert(fc.property(text, fc.integer({ min: 1, max: 45 }), (text, length) => {
    const { text: cut } = excerpt(text, length);
    expect(text.trim().startsWith(cut)).toBe(true);
    expect(Array.from(cut)).toHaveLength(Math.min(length, Array.from(text.trim()).length));
    expect(cut.isWellFormed()).toBe(true);
  }), { numRuns: 200 });
});

test('a text is cut to what models read', () => {
  expect(excerpt('a'.repeat(600)).text).toHaveLength(excerptMax);
});
