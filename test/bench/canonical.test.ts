import { expect, test } from 'vitest';
import { canonical } from '../../bench/canonical.ts';

test('keys are sorted at every depth, arrays keep their order', () => {
  expect(canonical('{"b":[{"d":1,"c":2},3],"a":null}')).toBe('{"a":null,"b":[{"c":2,"d":1},3]}');
});

test('white space between values does not matter, inside strings it does', () => {
  expect(canonical('{ "a" : [ 1 , 2 ] }')).toBe(canonical('{"a":[1,2]}'));
  expect(canonical('{"a":"1 2"}')).not.toBe(canonical('{"a":"12"}'));
});

test('numbers and strings keep the bytes they came with', () => {
  expect(canonical('[12.50, 1e3, 12345678901234567890]')).toBe('[12.50,1e3,12345678901234567890]');
  expect(canonical('["\\u00e9\\n\\"", "é"]')).toBe('["\\u00e9\\n\\"","é"]');
});

test('what is no JSON throws', () => {
  expect(() => canonical('["unfinished", ')).toThrow(SyntaxError);
});
