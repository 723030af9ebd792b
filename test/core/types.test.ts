import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { UserOverview, userOverview } from '../../src/aggregates/user-overview.ts';
import type { EventCounts } from '../../src/clients/analytics.ts';
import { aggregate, type AnswerTo } from '../../src/core/aggregate.ts';
import type { Call } from '../../src/core/call.ts';
import type { JsonText } from '../../src/core/json-text.ts';
import { optional } from '../../src/core/part.ts';
import type { Source } from '../../src/core/source.ts';
import { batched } from '../../src/policies/batched.ts';
import { source } from '../../src/policies/source.ts';
import type { Profile } from '../../src/sources/profile.ts';
import type { User, UserId } from '../../src/sources/user.ts';

// Checked by the compiler: at run time these tests only define things.

interface Asked { readonly id: string }
const name = (_input: Asked, _call: Call): Promise<string> => Promise.resolve('Ada');
const counts = (_input: Asked, _call: Call): Promise<JsonText<EventCounts>> => Promise.reject(new Error('never asked'));
const byMail = (_input: { readonly mail: string }, _call: Call): Promise<number> => Promise.resolve(1);
const loadMany = (_keys: readonly string[], _call: Call): Promise<ReadonlyMap<string, number>> => Promise.resolve(new Map());
const input = z.object({ id: z.string() });

test('the reply of the user overview is inferred from its definition', () => {
  expectTypeOf<UserOverview>().toEqualTypeOf<{
    readonly user_data: Profile;
    readonly recommendations: string[];
    readonly analytics: EventCounts;
  }>();
  expectTypeOf<Parameters<ReturnType<typeof userOverview>>[0]>().toEqualTypeOf<{ user_id: UserId }>();
});

test('an optional part is null without an otherwise, and of its own type with one; JSON text is what it stands for', () => {
  const asked = aggregate({ name: 'a', input, deadline: '1s', parts: {
    required: counts, nullable: optional(name), text: optional(counts), either: optional(counts, { otherwise: {} }),
  } });
  expectTypeOf<AnswerTo<typeof asked>>().toEqualTypeOf<{
    readonly required: EventCounts;
    readonly nullable: string | null;
    readonly text: EventCounts | null;
    readonly either: EventCounts;
  }>();
});

test('a nested aggregate is typed as its data', () => {
  const inner = aggregate({ name: 'inner', input, deadline: '1s', parts: { name, counts: optional(counts) } });
  const outer = aggregate({ name: 'outer', input, deadline: '1s', parts: { inner, maybe: optional(inner) } });
  type Inner = { readonly name: string; readonly counts: EventCounts | null };
  expectTypeOf<AnswerTo<typeof outer>>().toEqualTypeOf<{ readonly inner: Inner; readonly maybe: Inner | null }>();
});

test('an aggregate is a source of its answer, for whoever asks it with what its schema gives', () => {
  const asked = aggregate({ name: 'a', input: z.object({ id: z.string(), page: z.coerce.number() }), deadline: '1s', parts: { name } });
  expectTypeOf(asked).toExtend<Source<{ id: string; page: number }, { readonly data: { readonly name: string } }>>();
});

test('what does not fit is refused where it is written', () => {
  // @ts-expect-error -- the part needs a field that the input has not
  aggregate({ name: 'a', input, deadline: '1s', parts: { byMail } });
  // @ts-expect-error -- as an optional part it needs it no less
  aggregate({ name: 'a', input, deadline: '1s', parts: { byMail: optional(byMail) } });
  // @ts-expect-error -- the otherwise is not of the part's type
  optional(name, { otherwise: 0 });
  // @ts-expect-error -- neither is null: that is what leaving it out is for
  optional(name, { otherwise: null });
  // @ts-expect-error -- JSON text is taken for what it stands for
  optional(counts, { otherwise: { view: 'twelve' } });
  // @ts-expect-error -- a duration has a unit
  expect(() => aggregate({ name: 'a', input, deadline: '1', parts: { name } })).toThrow(TypeError);
  // @ts-expect-error -- and one that is known
  expect(() => source({ name: 'a', load: name, timeout: '1h' })).toThrow(TypeError);
  // @ts-expect-error -- and is no number
  expect(() => source({ name: 'a', load: name, timeout: 250 })).toThrow(TypeError);
});

test('a source is typed by its load, which alone decides', () => {
  const asked = source({ name: 'name', load: name, key: ({ id }) => id });
  expectTypeOf(asked).toEqualTypeOf<Source<Asked, string>>();
  // @ts-expect-error -- the key can only read what the load takes
  source({ name: 'name', load: name, key: ({ mail }) => mail });
});

test('a batched source is typed by its query, and so is its otherwise', () => {
  expectTypeOf(batched({ key: ({ user_id }: User) => user_id, loadMany })).toExtend<Source<User, number>>();
  // A memoised one needs its key, and can be written in one piece.
  expectTypeOf(source({ name: 'name', load: batched({ key: ({ user_id }: User) => user_id, loadMany }), key: ({ user_id }) => user_id, memoise: true })).toEqualTypeOf<Source<User, number>>();
  // @ts-expect-error -- the otherwise has to be an answer
  batched({ key: ({ user_id }: User) => user_id, loadMany, otherwise: 'none' });
});
