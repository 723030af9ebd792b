import { batched, type BatchSpec } from '../../src/policies/batched.ts';
import { type Ask, scripted } from '../support/scripted.ts';

export type Query = Ask<readonly string[], ReadonlyMap<string, string>>;

/** A batched source of strings whose queries the test answers. */
export function batch(spec: Omit<BatchSpec<string, string>, 'key' | 'loadMany'> = {}) {
  const { source: loadMany, asked } = scripted<readonly string[], ReadonlyMap<string, string>>();
  return { queries: asked, source: batched({ key: (id: string) => id, loadMany, ...spec }) };
}

export const keysOf = (queries: readonly Query[]): readonly (readonly string[])[] => queries.map(({ input }) => input);

/** Answers a query for every key that it asked for, but those left out. */
export function answer(query: Query, { but = [] }: { readonly but?: readonly string[] } = {}): void {
  query.resolve(new Map(query.input.filter((key) => !but.includes(key)).map((key) => [key, `answer ${key}`])));
}
