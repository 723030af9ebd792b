import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { clickHouseKeyForm, type KeyForm, keyForm } from '../../src/clients/key-form.ts';

/** The form of a type that is known. */
function formOf(type: string): KeyForm {
  const form = keyForm(type);
  if (!form) throw new Error(`expected a known type, but got ${type}`);
  return form;
}

const integers = [['smallint', 2n ** 15n], ['integer', 2n ** 31n], ['bigint', 2n ** 63n]] as const;

test.each(['smallint', 'integer', 'bigint'])('%s: digits are stored without zeros in front', (type) => {
  const form = formOf(type);
  expect(['7', '007', '-7', '-007', '0', '000', '-0', '-000', '0000000000000000000000000000042'].map(form))
    .toEqual(['7', '7', '-7', '-7', '0', '0', '0', '0', '42']);
});

test.each(['smallint', 'integer', 'bigint'])('%s: what is no decimal number cannot be a key', (type) => {
  const form = formOf(type);
  for (const key of ['', ' ', '-', '+7', '--7', '7-', ' 7', '7 ', '7\n', '7.0', '1e3', '0x2a', '0b1', '1_000', '1,000', 'NaN', 'Infinity', 'seven', '٣', '７', '7\u0000']) {
    expect(form(key), JSON.stringify(key)).toBeUndefined();
  }
});

test.each(integers)('%s: its bounds are keys, what lies beyond them is none', (type, bound) => {
  const form = formOf(type);
  expect([form(String(bound - 1n)), form(String(-bound))]).toEqual([String(bound - 1n), String(-bound)]);
  expect([form(String(bound)), form(String(-bound - 1n))]).toEqual([undefined, undefined]);
  expect([form(`${bound}0`), form('9'.repeat(1_000))]).toEqual([undefined, undefined]);
});

test.each(integers)('%s: any number is stored as it is where it fits, and not at all where it does not', (type, bound) => {
  const form = formOf(type);
  const numbers = fc.oneof(fc.bigInt({ min: -4n * bound, max: 4n * bound }), fc.bigInt({ min: -3n, max: 3n }).map((by) => bound + by), fc.bigInt({ min: -3n, max: 3n }).map((by) => -bound + by));
  fc.assert(fc.property(numbers, fc.nat(30), (value, zeros) => {
    const digits = String(value < 0n ? -value : value);
    const key = `${value < 0n ? '-' : ''}${'0'.repeat(zeros)}${digits}`;
    expect(form(key)).toBe(value >= -bound && value < bound ? String(value) : undefined);
  }), { numRuns: 1_000 });
});

test.each([
  ['0f8fad5b-d9cb-469f-a165-70867728950e', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['0F8FAD5B-D9CB-469F-A165-70867728950E', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['0f8fad5bd9cb469fa16570867728950e', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['0f8fad5b-d9cb-469f-a165-70867728950', undefined],
  ['0f8fad5b-d9cb-469f-a165-70867728950e0', undefined],
  ['0f8fad5b-d9cb-469f-a165-70867728950g', undefined],
  ['42', undefined],
  ['', undefined],
  ['-', undefined],
])('uuid: %j is stored as %j', (key, stored) => {
  expect(formOf('uuid')(key)).toBe(stored);
});

test.each(['text', 'character varying', 'character', 'name'])('%j holds any key as it is', (type) => {
  expect(['7', '007', '', 'a b', '0x2a'].map(formOf(type))).toEqual(['7', '007', '', 'a b', '0x2a']);
});

test.each(['citext', 'numeric', ''])('%j is not known', (type) => {
  expect(keyForm(type)).toBeUndefined();
});

test.each([
  ['UInt8', ['0', '255', '007'], ['-1', '256', 'a']],
  ['Int8', ['-128', '127'], ['-129', '128']],
  ['UInt64', ['18446744073709551615'], ['18446744073709551616', '-1']],
  ['Int256', [`-${2n ** 255n}`], [String(2n ** 255n)]],
  ['UUID', ['0f8fad5b-d9cb-469f-a165-70867728950e'], ['0f8fad5b']],
  ['String', ['', 'anything'], []],
])('of ClickHouse, %s', (type, good, bad) => {
  const form = clickHouseKeyForm(type);
  for (const key of good) expect(form?.(key), key).toBeDefined();
  for (const key of bad) expect(form?.(key), key).toBeUndefined();
});

test.each(['Decimal(9, 2)', 'Int7', 'xUInt8', 'Date'])('of ClickHouse, %s is not a type of keys that is known', (type) => {
  expect(clickHouseKeyForm(type)).toBeUndefined();
});
