import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { inputKey } from '../../../src/core/live/input-key.ts';

test('inputs of plain JSON have the same key exactly if they are equal', () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
    fc.pre(!JSON.stringify([one, other]).includes('-0'));
    const [key, otherKey] = [inputKey(one), inputKey(other)];
    if (key === undefined || otherKey === undefined) return;
    expect(key === otherKey).toBe(JSON.stringify(one) === JSON.stringify(other));
    expect(JSON.parse(key)).toEqual(one);
  }));
});

class Own {
  readonly #id: number;
  constructor(id: number) { this.#id = id; }
  get id(): number { return this.#id; }
}

test.each([
  ['a class', new Own(1)], ['a URL', new URL('http://a')], ['a date', new Date(0)], ['a map', new Map([[1, 2]])], ['a bigint', 1n], ['undefined', undefined],
  ['NaN', Number.NaN], ['minus zero', -0], ['Infinity', Infinity], ['a function', () => 1], ['a toJSON', { toJSON: () => 1 }], ['a symbol', Symbol('a')],
])('what holds %s is equal to nothing', (_, value) => {
  expect([inputKey(value), inputKey({ deep: [value] })]).toEqual([undefined, undefined]);
});
