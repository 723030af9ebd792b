import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Kept } from '../../src/cache/kept.ts';
import { Memory } from '../../src/cache/memory.ts';

class Thing extends Kept {}

interface Row {
  readonly thing: Thing;
  asked: boolean;
}

/** SIEVE as its paper tells it, with a list, the oldest first: the hand is an index, and everything is counted anew. */
class Sieve {
  rows: Row[] = [];
  readonly #bytesMax: number;
  #hand = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.rows.reduce((sum, { thing }) => sum + thing.bytes, 0);
  }

  get tags(): number {
    return new Set(this.rows.flatMap(({ thing }) => thing.tags)).size;
  }

  get(key: string): Thing | undefined {
    const row = this.rows.find(({ thing }) => thing.key === key);
    if (row) row.asked = true;
    return row?.thing;
  }

  put(thing: Thing): void {
    this.dropWhere((other) => other.key === thing.key);
    if (thing.bytes > this.#bytesMax / 10) return;
    while (this.bytes + thing.bytes > this.#bytesMax) this.#makeRoom();
    // A hand that has gone past the newest begins again at the oldest, whoever has come since.
    if (this.#hand >= this.rows.length) this.#hand = 0;
    this.rows.push({ thing, asked: false });
  }

  dropWhere(goes: (thing: Thing) => boolean): void {
    for (let at = this.rows.length - 1; at >= 0; at--) if (goes(this.rows[at]!.thing)) this.#remove(at);
  }

  #makeRoom(): void {
    for (;;) {
      if (this.#hand >= this.rows.length) this.#hand = 0;
      const row = this.rows[this.#hand]!;
      if (!row.asked) return this.#remove(this.#hand);
      row.asked = false;
      this.#hand++;
    }
  }

  #remove(at: number): void {
    this.rows.splice(at, 1);
    if (at < this.#hand) this.#hand--;
  }
}

const bytesMax = 12_000;
type Deed = readonly [words: string, does: (memory: Memory, sieve: Sieve) => void];
const deedOf = (words: string, does: Deed[1]): Deed => [words, does];
const key = fc.constantFrom(...'a b c d e f g h i j k l m n o p q r s t u v w x y z'.split(' '));
const tag = fc.constantFrom('users:1', 'users:2', 'orders:1', 'plain', 'users:*');
const groupOf = (tag: string) => (tag.includes(':') ? `${tag.split(':')[0]}:*` : '*');

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.tuple(key, fc.uniqueArray(tag, { maxLength: 3 }), fc.integer({ min: 0, max: 900 })).map(([key, tags, bytes]) =>
      deedOf(`put ${key} of ${bytes} bytes with ${tags.join(', ')}`, (memory, sieve) => {
        const thing = new Thing(key, tags, bytes);
        memory.put(thing);
        sieve.put(thing);
      })),
  },
  { weight: 30, arbitrary: key.map((key) => deedOf(`get ${key}`, (memory, sieve) => { expect(memory.get(key)).toBe(sieve.get(key)); })) },
  { weight: 5, arbitrary: key.map((key) => deedOf(`drop ${key}`, (memory, sieve) => { memory.drop(key); sieve.dropWhere((thing) => thing.key === key); })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('users:1', 'users:2', 'orders:1', 'plain', 'users:*', 'orders:*', '*', 'nobody:1').map((tag) =>
      deedOf(`drop what bears ${tag}`, (memory, sieve) => {
        memory.dropTag(tag);
        sieve.dropWhere(({ tags }) => tags.some((own) => own === tag || groupOf(own) === tag));
      })),
  },
  { weight: 1, arbitrary: fc.constant(deedOf('clear', (memory, sieve) => { memory.clear(); sieve.dropWhere(() => true); })) },
);

test('memory is SIEVE: whatever is put, asked for and dropped, the same things are left as in the list, within the bound', () => {
  fc.assert(fc.property(fc.array(deed, { maxLength: 120, size: 'max' }), (deeds) => {
    const memory = new Memory(bytesMax);
    const sieve = new Sieve(bytesMax);
    const seen = new Set<Thing>();
    for (const [, does] of deeds) {
      does(memory, sieve);
      for (const { thing } of sieve.rows) seen.add(thing);
      expect([memory.size, memory.bytes, memory.tagCount]).toEqual([sieve.rows.length, sieve.bytes, sieve.tags]);
      expect(memory.bytes).toBeLessThanOrEqual(bytesMax);
    }
    for (const { thing } of sieve.rows) expect([memory.get(thing.key), thing.dropped]).toEqual([thing, false]);
    // What is not kept any more keeps nobody else: it is no link of the list.
    for (const thing of seen) if (memory.get(thing.key) !== thing) expect([thing.older, thing.newer]).toEqual([undefined, undefined]);
    memory.clear();
    expect([memory.size, memory.bytes, memory.tagCount]).toEqual([0, 0, 0]);
  }), { numRuns: 200 });
});
