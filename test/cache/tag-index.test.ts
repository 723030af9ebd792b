import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Kept } from '../../src/cache/kept.ts';
import { TagIndex } from '../../src/cache/tag-index.ts';

class Thing extends Kept {
  constructor(key: string, tags: readonly string[]) {
    super(key, tags, 0);
  }
}

const tag = fc.constantFrom('a', 'b', 'c');
const things = fc.array(fc.array(tag, { maxLength: 3 }), { maxLength: 8 });
const byKey = (kept: readonly Kept[]) => kept.map(({ key }) => key).toSorted((one, other) => one.localeCompare(other));

test('a tag finds whoever bears it, whoever has come and gone, and nothing is left when all have', () => {
  fc.assert(fc.property(things, fc.array(fc.nat(7), { maxLength: 30 }), (tagLists, steps) => {
    const all = tagLists.map((tags, at) => new Thing(String(at), [...new Set(tags)]));
    const index = new TagIndex();
    const inside = new Set<Thing>();
    for (const step of steps) {
      const thing = all[step];
      if (!thing) continue;
      if (inside.delete(thing)) index.remove(thing);
      else {
        inside.add(thing);
        index.add(thing);
      }
      for (const tag of ['a', 'b', 'c']) expect(byKey(index.of(tag))).toEqual(byKey([...inside].filter(({ tags }) => tags.includes(tag))));
      expect(index.size).toBe(new Set([...inside].flatMap(({ tags }) => tags)).size);
    }
    for (const thing of inside) index.remove(thing);
    expect(index.size).toBe(0);
  }), { numRuns: 500 });
});

test('a tag that a thing bears twice is as good as once', () => {
  const index = new TagIndex();
  const [twice, other] = [new Thing('twice', ['a', 'a']), new Thing('other', ['a'])];
  index.add(twice);
  index.remove(twice);
  expect([index.of('a'), index.size]).toEqual([[], 0]);
  index.add(twice);
  index.add(other);
  expect(byKey([...new Set(index.of('a'))])).toEqual(['other', 'twice']);
  index.remove(other);
  expect(byKey([...new Set(index.of('a'))])).toEqual(['twice']);
  index.remove(twice);
  expect(index.size).toBe(0);
});

test('to remove what is not there removes nobody else', () => {
  const index = new TagIndex();
  const [one, two, stranger] = [new Thing('one', ['a']), new Thing('two', ['a']), new Thing('stranger', ['a', 'b'])];
  index.add(one);
  index.remove(stranger);
  expect(index.of('a')).toEqual([one]);
  index.add(two);
  index.remove(stranger);
  expect(byKey(index.of('a'))).toEqual(['one', 'two']);
});

test('the list of bearers may be walked while they are removed', () => {
  const index = new TagIndex();
  const all = Array.from({ length: 5 }, (_, at) => new Thing(String(at), ['a']));
  for (const thing of all) index.add(thing);
  for (const thing of index.of('a')) index.remove(thing);
  expect(index.size).toBe(0);
});
