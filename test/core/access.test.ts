import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Access, mayRead, type Readers, readersOf } from '../../src/core/access.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { caller, operator } from '../support/callers.ts';

const parts = { answer: () => Promise.resolve(1) };

test.each<[string, Access, unknown, Readers]>([
  ['anybody’s', 'public', { user_id: '1' }, 'anybody'],
  ['every caller’s', 'authenticated', { user_id: '1' }, 'callers'],
  ['its subject’s', { own: 'user_id' }, { user_id: '1' }, { subject: '1' }],
  ['its subject’s, by a number', { own: 'user_id' }, { user_id: 42 }, { subject: '42' }],
  ['its subject’s, by another field', { own: 'customer_id' }, { user_id: '1', customer_id: '2' }, { subject: '2' }],
  ['the operators’ where there is no such field', { own: 'user_id' }, { id: '1' }, 'operators'],
  ['the operators’ where the field is inherited', { own: 'user_id' }, Object.create({ user_id: '1' }), 'operators'],
  ['the operators’ where several are asked about', { own: 'user_id' }, { user_id: ['1', '2'] }, 'operators'],
  ['the operators’ where the field is nothing', { own: 'user_id' }, { user_id: undefined }, 'operators'],
  ['the operators’ where it is a number that texts do not hold', { own: 'user_id' }, { user_id: 2 ** 60 }, 'operators'],
  ['the operators’ where there is no input', { own: 'user_id' }, undefined, 'operators'],
])('an answer is %s', (_, access, input, readers) => {
  expect(readersOf(access, input)).toEqual(readers);
});

test('an answer is read by its subject and by those who read any, and by nobody else', () => {
  fc.assert(fc.property(fc.string(), fc.string(), fc.boolean(), (subject, asked, readsAny) => {
    expect(mayRead(readersOf({ own: 'user_id' }, { user_id: asked }), caller(subject, { readsAny }))).toBe(readsAny || subject === asked);
  }));
});

test.each<[Readers, unnamed: boolean, anybody: boolean, operators: boolean]>([
  ['anybody', true, true, true],
  ['callers', false, true, true],
  ['operators', false, false, true],
  [{ subject: '2' }, false, false, true],
])('what is for %j is read by whoever has no token: %s, has one: %s, reads any: %s', (readers, unnamed, anybody, operators) => {
  expect([undefined, caller('1'), operator].map((one) => mayRead(readers, one))).toEqual([unnamed, anybody, operators]);
});

test('an aggregate that says nothing is its subject’s, and one that says something is as it says', () => {
  const input = z.object({ user_id: z.string(), customer_id: z.string() });
  const asked = { user_id: '1', customer_id: '2' };
  expect(aggregate({ name: 'a', input, deadline: '1s', parts }).readers(asked)).toEqual({ subject: '1' });
  expect(aggregate({ name: 'a', input, deadline: '1s', access: { own: 'customer_id' }, parts }).readers(asked)).toEqual({ subject: '2' });
  expect(aggregate({ name: 'a', input, deadline: '1s', access: 'public', parts }).readers(asked)).toBe('anybody');
  // @ts-expect-error -- the input has no such field
  aggregate({ name: 'a', input, deadline: '1s', access: { own: 'order_id' }, parts });
});
