import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonText, toJson } from '../../src/core/json-text.ts';

test.each([
  ['JSON text, with its own spaces and numbers', new JsonText('{ "a": 1.50, "b": 12345678901234567890 }'), '{ "a": 1.50, "b": 12345678901234567890 }'],
  ['JSON text with a key __proto__', new JsonText('{"__proto__":{"polluted":true}}'), '{"__proto__":{"polluted":true}}'],
  ['a string that looks like JSON', '{"admin":true}', String.raw`"{\"admin\":true}"`],
  ['a string that looks like more than one member', '1,"admin":true', String.raw`"1,\"admin\":true"`],
  ['undefined', undefined, 'null'],
  ['a function', () => 1, 'null'],
  ['a symbol', Symbol('a'), 'null'],
  ['null', null, 'null'],
  ['a number that JSON has not', Number.NaN, 'null'],
  ['half of a surrogate pair', '\ud83d', String.raw`"\ud83d"`],
  ['JSON text within an object', { inner: new JsonText('{ "a": 1.0 }') }, '{"inner":{"a":1}}'],
  ['an own key __proto__ within JSON text within an object', { inner: new JsonText('{"__proto__":1}') }, '{"inner":{"__proto__":1}}'],
])('%s', (_, value, json) => {
  expect(toJson(value)).toBe(json);
});

test('JSON text is spliced byte for byte, whatever it is', () => {
  fc.assert(fc.property(fc.json(), (text) => {
    expect(toJson(new JsonText(text))).toBe(text);
  }));
});

test('any value comes out as JSON that reads back as the same value', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    expect(JSON.parse(toJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
  }));
});

test('whoever looks inside parses', () => {
  expect(new JsonText<{ a: number }>('{"a":1}').parse()).toEqual({ a: 1 });
});
