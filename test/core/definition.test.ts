import { expect, test } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import type { Duration } from '../../src/core/duration.ts';
import { optional } from '../../src/core/part.ts';

const source = () => Promise.resolve(1);
const defined = (parts: Record<string, typeof source>, deadline: Duration = '1s') => () => aggregate({ name: 'overview', input: z.unknown(), deadline, parts });

test.each(['', '1st', '_private', 'a-b', 'a.b', 'a b', 'ä', 'a"', 'a\n', '__proto__', '$', 'errors'])(
  'a part cannot be called %j, and the error says what it can be called',
  (name) => {
    const parts = Object.fromEntries([['fine', source], [name, source]]);
    expect(defined(parts)).toThrow(new TypeError(
      `expected part names of overview to be letters, digits and underscores, and not "errors", but got: ${JSON.stringify(name)}`,
    ));
  },
);

test.each(['a', 'A', 'a1', 'user_data', 'constructor', 'toString', 'error', 'Errors', 'data'])('a part can be called %s', (name) => {
  expect(defined({ [name]: source })().parts).toEqual([name]);
});

test('an aggregate without parts is refused', () => {
  expect(defined({})).toThrow(new TypeError('expected overview to have at least one part, but got: {}'));
});

test.each(['soon', '0s', '-1s', '2'])('a deadline of %j is refused', (deadline) => {
  expect(defined({ a: source }, deadline as Duration)).toThrow(new TypeError(`expected a duration such as '250ms', '2s' or '1m', but got: ${deadline}`));
});

test.each([
  ['undefined', undefined],
  ['an object that is no part', {}],
  ['an optional of nothing', optional(undefined as unknown as typeof source)],
])('a part that is %s is refused by its name', (_, part) => {
  expect(defined({ fine: source, profile: part as unknown as typeof source })).toThrow(/^expected .*profile.* but got/);
});

test('an otherwise of undefined is a value like any other', () => {
  expect(optional(source, { otherwise: undefined as unknown as number })).toEqual({ source, otherwise: undefined });
  expect(optional(source)).toEqual({ source, otherwise: null });
});
