import { expect, test } from 'vitest';
import { Kept, stringBytes } from '../../src/cache/kept.ts';
import { Memory } from '../../src/cache/memory.ts';

class Thing extends Kept {}

/** Of one size: 10,000 bytes, so that 10 of them fill a memory of 100,000. */
const thing = (key: string, tags: readonly string[] = []): Thing => {
  const { bytes } = new Thing(key, tags, 0);
  return new Thing(key, tags, 10_000 - bytes);
};
/** Which of them are there. To look at them is to ask for them, so it comes last where somebody has to make room. */
const keys = (memory: Memory, among: string) => among.split('').filter((key) => memory.get(key)).join('');

function full(): Memory {
  const memory = new Memory(100_000);
  for (const key of 'abcdefghij') memory.put(thing(key));
  return memory;
}

test('what is put is there until there is no room, and then the oldest goes that nobody has asked for', () => {
  const memory = full();
  expect([memory.size, memory.bytes]).toEqual([10, 100_000]);
  memory.get('a');
  memory.get('c');
  memory.put(thing('k'));
  memory.put(thing('l'));
  expect(keys(memory, 'abcdefghijkl')).toBe('acefghijkl');
});

test('a newcomer that nobody asks for goes before an old one that is asked for, as the hand goes on from where it was', () => {
  const memory = full();
  for (const key of 'abcdefghij') memory.get(key);
  // All are asked for: the hand goes round once, takes their marks, and the oldest goes.
  memory.put(thing('k'));
  memory.put(thing('l'));
  expect(keys(memory, 'abcdefghijkl')).toBe('cdefghijkl');
});

test('what takes the place of something with its key marks that as dropped; what makes room is still good', () => {
  const memory = full();
  const [a, b] = [memory.get('a')!, memory.get('b')!];
  a.asked = b.asked = false;
  memory.put(thing('b'));
  memory.put(thing('k'));
  expect([b.dropped, a.dropped]).toEqual([true, false]);
  expect(memory.get('a')).toBeUndefined();
  expect(memory.get('b')).not.toBe(b);
});

test('what is too large for a tenth of the whole is not kept, and what had its key is gone', () => {
  const memory = full();
  const old = memory.get('a')!;
  memory.put(new Thing('a', [], 10_000));
  expect([memory.get('a'), old.dropped, memory.size, memory.bytes]).toEqual([undefined, true, 9, 90_000]);
});

test('a memory of nothing keeps nothing', () => {
  const memory = new Memory(0);
  memory.put(thing('a'));
  expect([memory.size, memory.bytes, memory.get('a')]).toEqual([0, 0, undefined]);
});

test('a tag drops those who bear it; a group drops those who bear any tag of it, and no other group', () => {
  const memory = new Memory(1_000_000);
  memory.put(thing('a', ['users:1']));
  memory.put(thing('b', ['users:1', 'orders:7']));
  memory.put(thing('c', ['users:2']));
  memory.put(thing('d', ['users2:1']));
  memory.put(thing('e', ['plain']));
  memory.put(thing('f', ['users:a:b']));
  memory.dropTag('users:1');
  expect(keys(memory, 'abcdef')).toBe('cdef');
  memory.dropTag('users');
  memory.dropTag('users:a:*');
  memory.dropTag('nobody:*');
  expect(keys(memory, 'abcdef')).toBe('cdef');
  memory.dropTag('users:*');
  expect(keys(memory, 'abcdef')).toBe('de');
  memory.dropTag('*');
  expect(keys(memory, 'abcdef')).toBe('d');
});

test('what was cleared is outdated, and the memory as new', () => {
  const memory = full();
  const all = 'abcdefghij'.split('').map((key) => memory.get(key)!);
  memory.clear();
  expect([memory.size, memory.bytes, memory.tagCount]).toEqual([0, 0, 0]);
  expect(all.every(({ dropped }) => dropped)).toBe(true);
  for (const key of 'klm') memory.put(thing(key));
  expect(keys(memory, 'abcklm')).toBe('klm');
});

test('a text takes a byte for each character as long as all are Latin-1, else two', () => {
  expect(['', 'abc', 'é\n\u0000ÿ', 'aĀ', '𝒳'].map(stringBytes)).toEqual([0, 3, 4, 4, 4]);
});

test('what is put is held until it is dropped or has had to make room, and what is too large never is', () => {
  const memory = new Memory(100_000);
  const things = 'abcdefghij'.split('').map((key) => thing(key));
  for (const each of things) memory.put(each);
  memory.put(thing('k'));
  memory.drop('b');
  const large = new Thing('l', [], 10_000);
  memory.put(large);
  expect(things.filter(({ held }) => held).map(({ key }) => key).join('')).toBe('cdefghij');
  expect([things[0]!.dropped, things[1]!.dropped, large.held]).toEqual([false, true, false]);
});
