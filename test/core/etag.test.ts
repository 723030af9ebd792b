import { expect, test } from 'vitest';
import { etagOf, mayChange } from '../../src/core/etag.ts';

test('the same bytes have the same validator, as text too', () => {
  expect(etagOf('é')).toBe(etagOf(Buffer.from('é')));
  expect(etagOf('é')).not.toBe(etagOf('e'));
  expect(etagOf('')).toMatch(/^"[\w-]+"$/);
});

test.each<[string | undefined, boolean]>([
  [undefined, true], ['*', true], [' * ', true], ['"a"', true], ['"b", "a"', true], ['"b","a" , "c"', true],
  ['"b"', false], ['W/"a"', false], ['W/"b", W/"a"', false], ['a', false], ['', false], ['"A"', false], ['"a', false],
])('If-Match: %s may change "a": %s', (ifMatch, may) => {
  expect(mayChange(ifMatch, '"a"')).toBe(may);
});
