import { parse } from 'node:querystring';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { InvalidInput, inputFrom } from '../../src/http/input.ts';
import { UserId } from '../../src/sources/user.ts';

const Input = z.object({ user_id: UserId });
const asGiven = z.record(z.string(), z.unknown());

function issuesOf(url: string, schema: z.ZodType = Input) {
  try {
    return inputFrom(url, schema);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return error.issues;
  }
}

test.each([
  ['/api?user_id=42', '42'],
  ['http://host:8080/api?user_id=42', '42'],
  ['/api?user_id=42#fragment', '42'],
  ['/api?user_id=a-b_C9', 'a-b_C9'],
  ['/api?user_id=%34%32', '42'],
  ['/api?%75ser_id=42', '42'],
  ['/api?user_id=42&page=2', '42'],
  ['/api?page=2&user_id=42&', '42'],
  ['/api?user_id=007', '007'],
  [`/api?user_id=${'a'.repeat(64)}`, 'a'.repeat(64)],
])('%s asks for a user', (url, id) => {
  expect(inputFrom(url, Input)).toEqual({ user_id: id });
});

const form = 'expected 1 to 64 letters, digits, "_" or "-"';
const one = 'expected one id of 1 to 64 letters, digits, "_" or "-"';

test.each([
  ['/api', `${one}, but got nothing`],
  ['/api?', `${one}, but got nothing`],
  ['/api?user=42', `${one}, but got nothing`],
  ['/api?user_id[]=42', `${one}, but got nothing`],
  ['/api?user_id=42&user_id=43', `${one}, but got 2 values`],
  ['/api?user_id=42&user_id=42&user_id=42', `${one}, but got 3 values`],
  ['/api?user_id=', `${form}, but got ""`],
  ['/api?user_id', `${form}, but got ""`],
  ['/api?user_id=4%202', `${form}, but got "4 2"`],
  ['/api?user_id=4+2', `${form}, but got "4 2"`],
  ['/api?user_id=%C3%A4', `${form}, but got "ä"`],
  ['/api?user_id=42%00', String.raw`${form}, but got "42\u0000"`],
  ['/api?user_id=42%0A', String.raw`${form}, but got "42\n"`],
  ['/api?user_id=%FF', `${form}, but got "\ufffd"`],
  ['/api?user_id=%zz', `${form}, but got "%zz"`],
  ['/api?user_id=%3Cscript%3E%22', String.raw`${form}, but got "<script>\""`],
  [`/api?user_id=${'a'.repeat(65)}`, `${form}, but got "${'a'.repeat(65)}"`],
  [`/api?user_id=${'a'.repeat(80)}`, `${form}, but got "${'a'.repeat(80)}"`],
  [`/api?user_id=${'a'.repeat(81)}`, `${form}, but got "${'a'.repeat(80)}…"`],
  [`/api?user_id=${'a'.repeat(10_000)}`, `${form}, but got "${'a'.repeat(80)}…"`],
])('%s does not, and the issue says what was expected and what came', (url, detail) => {
  expect(issuesOf(url)).toEqual([{ parameter: 'user_id', detail }]);
});

test('everything that is wrong is said at once', () => {
  const Page = z.object({ user_id: UserId, page: z.coerce.number({ error: 'expected a page number' }) });
  expect(issuesOf('/api?user_id=a%20b&page=two', Page)).toEqual([
    { parameter: 'user_id', detail: `${form}, but got "a b"` },
    { parameter: 'page', detail: 'expected a page number, but got "two"' },
  ]);
});

test('what is wrong deeper down is named with its path, and what is wrong with the whole with "query"', () => {
  const list = z.object({ id: z.array(z.string().max(1, 'expected one letter')) });
  expect(issuesOf('/api?id=a&id=bb', list)).toEqual([{ parameter: 'id.1', detail: 'expected one letter, but got "bb"' }]);
  const either = asGiven.refine(() => false, 'expected a or b');
  expect(issuesOf('/api?c=1', either)).toEqual([{ parameter: 'query', detail: 'expected a or b, but got an object' }]);
});

test('the failure says it all in one line', () => {
  expect(() => inputFrom('/api', Input)).toThrow(`user_id: ${one}, but got nothing`);
});

test('a parameter called __proto__ is a parameter like any other', () => {
  expect(inputFrom('/api?__proto__=1&user_id=42', Input)).toEqual({ user_id: '42' });
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('a schema that does not validate synchronously is a mistake of ours', () => {
  const later = { '~standard': { version: 1, vendor: 'test', validate: () => Promise.resolve({ value: {} }) } } as const;
  expect(() => inputFrom('/api', later)).toThrow(new TypeError('expected a schema that validates synchronously'));
});

test('the short way through a query of one plain pair reads the same as Node’s own', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '_', '-', '.', '=', '&', '+', '%', '%20', '%3D', '?', 'ä', '[', '~'), maxLength: 12 });
  fc.assert(fc.property(texts, (text) => {
    expect(inputFrom(`/api?${text}`, asGiven)).toEqual({ ...parse(text) });
  }), { numRuns: 1_000 });
});

test('of very many things that are wrong the first twenty are told', () => {
  const list = z.object({ id: z.array(z.string().max(0)) });
  expect(issuesOf(`/api?${'id=a&'.repeat(500)}`, list)).toHaveLength(20);
});
