import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOf, keyOf, type KeyValue } from '../../src/cache/key.ts';
import { lookalike } from '../support/lookalike.ts';

const value: fc.Arbitrary<KeyValue> = fc.oneof(
  lookalike,
  fc.integer({ min: -3, max: 3 }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.boolean(),
  fc.constantFrom(null, undefined),
);
const values = fc.array(value, { maxLength: 4 });
const same = (one: readonly KeyValue[], other: readonly KeyValue[]) => one.length === other.length && one.every((value, at) => value === other[at]);

/** The values that are written in a key, read again by its own rule. */
function read(key: string): KeyValue[] {
  const found: KeyValue[] = [];
  for (let at = 0; at < key.length;) {
    const [head, tilde, length] = /^(~?)(\d+):/.exec(key.slice(at))!;
    const part = key.slice(at + head.length, at + head.length + Number(length));
    found.push(tilde ? valueOf(part) : part);
    at += head.length + Number(length);
  }
  return found;
}

function valueOf(part: string): KeyValue {
  const [type, text = ''] = part.split(' ');
  if (type === 'number') return Number(text);
  if (type === 'bigint') return BigInt(text);
  if (type === 'boolean') return text === 'true';
  return type === 'undefined' ? undefined : null;
}

test('lists of values that differ have texts that differ', () => {
  fc.assert(fc.property(values, values, (one, other) => {
    expect(keyOf(one) === keyOf(other)).toBe(same(one, other));
  }), { numRuns: 2_000 });
});

test('the values can be read from the text again, so that no two lists can have the same', () => {
  fc.assert(fc.property(values, (list) => {
    expect(read(keyOf(list))).toEqual(list);
  }), { numRuns: 2_000 });
});

test('a longer list is not another list whose values were put together', () => {
  const neighbours: readonly (readonly KeyValue[])[] = [['ab'], ['a', 'b'], ['', 'ab'], ['ab', ''], ['1:ab'], [1], ['1'], [1n], ['number 1'], [], ['']];
  expect(new Set(neighbours.map(keyOf)).size).toBe(neighbours.length);
});

test('keys that differ have hashes that differ; half a character has none', () => {
  fc.assert(fc.property(values, values, (one, other) => {
    const [key, another] = [keyOf(one), keyOf(other)];
    for (const text of [key, another]) expect(hashOf(text) !== undefined).toBe(text.isWellFormed());
    if (key.isWellFormed() && another.isWellFormed()) expect(hashOf(key) === hashOf(another)).toBe(key === another);
  }), { numRuns: 500 });
  expect([hashOf(keyOf(['\ud800'])), hashOf(keyOf(['\udfff']))]).toEqual([undefined, undefined]);
  expect(hashOf(keyOf(['𝒳']))).toMatch(/^[0-9a-f]{64}$/);
});
