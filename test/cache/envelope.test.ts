import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Envelope, open, seal } from '../../src/cache/envelope.ts';

const ms = fc.oneof(fc.nat(86_400_000), fc.double({ min: 0, max: 1e6, noNaN: true }).map((ms) => ms + 0));
const wellFormed = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed());
const envelope: fc.Arbitrary<Envelope> = fc.record({
  subject: wellFormed,
  freshMs: ms,
  staleMs: ms,
  errorMs: ms,
  totalMs: ms,
  versions: fc.array(fc.oneof(fc.constant(''), fc.uuid(), wellFormed), { maxLength: 3 }),
  text: fc.option(fc.jsonValue().map((value) => JSON.stringify(value)), { nil: undefined }),
});

const plain: Envelope = { subject: '42', freshMs: 10_000, staleMs: 60_000, errorMs: 600_000, totalMs: 610_000, versions: ['', 'v1'], text: '{"name":"Ada"}' };

test('what was sealed is opened as it was', () => {
  fc.assert(fc.property(envelope, (given) => { expect(open(seal(given))).toEqual(given); }), { numRuns: 500 });
});

test('that there is nothing is not an empty text, nor the other way round', () => {
  expect(open(seal({ ...plain, text: undefined }))?.text).toBeUndefined();
  expect(open(seal({ ...plain, text: '' }))?.text).toBe('');
  expect(open(seal({ ...plain, text: '\n1\n' }))?.text).toBe('\n1\n');
});

/** As it comes from the wire: whatever the bytes are, they are read as UTF-8. */
const rewired = (sealed: string, change: (bytes: Buffer) => Buffer): string => change(Buffer.from(sealed)).toString();

const changes: fc.Arbitrary<readonly [string, (bytes: Buffer) => Buffer]> = fc.tuple(fc.nat(), fc.nat(255)).chain(([seed, byte]) => fc.constantFrom(
  ...([
    [`byte ${seed} becomes ${byte}`, (bytes) => { bytes[seed % bytes.length] = byte; return bytes; }],
    [`bit ${byte % 8} of byte ${seed} flips`, (bytes) => { bytes[seed % bytes.length]! ^= 1 << byte % 8; return bytes; }],
    [`cut off after byte ${seed}`, (bytes) => bytes.subarray(0, seed % bytes.length)],
    [`begins with byte ${seed}`, (bytes) => bytes.subarray(seed % bytes.length)],
    [`${byte} put in at ${seed}`, (bytes) => Buffer.concat([bytes.subarray(0, seed % bytes.length), Buffer.from([byte]), bytes.subarray(seed % bytes.length)])],
    [`byte ${seed} left out`, (bytes) => Buffer.concat([bytes.subarray(0, seed % bytes.length), bytes.subarray(1 + seed % bytes.length)])],
  ] satisfies [string, (bytes: Buffer) => Buffer][]),
));

test('whatever one byte becomes, wherever it is cut: it is no entry any more, or the same', () => {
  fc.assert(fc.property(envelope, changes, (given, [, change]) => {
    expect([undefined, given]).toContainEqual(open(rewired(seal(given), change)));
  }), { numRuns: 3_000 });
});

test('every single byte of one entry, with every value it could have', () => {
  const sealed = seal({ ...plain, text: undefined });
  const opened = new Set<string>();
  for (let at = 0; at < sealed.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const found = open(rewired(sealed, (bytes) => { bytes[at] = byte; return bytes; }));
      if (found) opened.add(JSON.stringify(found));
    }
  }
  expect([...opened]).toEqual([JSON.stringify({ ...plain, text: undefined })]);
});

test('no text makes it throw', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => { expect(open(text)).toBeUndefined(); }), { numRuns: 500 });
});

/** With a sum that fits: what another version, or somebody else, might have put there. */
const summed = (rest: string): string => `${crc32(rest)}\n${rest}`;

test.each([
  ['of the version before', '[1,"42",10000,60000,600000,610000,[],true]\n{}'],
  ['of the next version', '[3,"42",10000,60000,600000,610000,[],true]\n{}'],
  ['of JSON that is no list', '{}\n{}'],
  ['of no JSON', '[\n{}'],
  ['of one line', '[2,"42",10000,60000,600000,610000,[],true]'],
  ['with something missing', '[2,"42",10000,60000,600000,610000,[]]\n{}'],
  ['for nobody', '[2,null,10000,60000,600000,610000,[],true]\n{}'],
  ['with a limit that is none', '[2,"42",-1,60000,600000,610000,[],true]\n{}'],
  ['with versions that are none', '[2,"42",10000,60000,600000,610000,[1],true]\n{}'],
  ['with no list of versions', '[2,"42",10000,60000,600000,610000,"",true]\n{}'],
])('an entry %s is none', (_, rest) => {
  expect(open(summed(rest))).toBeUndefined();
});

test('the sum alone does not make an entry, and what it is tried with is one', () => {
  expect(open(summed('[2,"42",10000,60000,600000,610000,["","v1"],true]\n{"name":"Ada"}'))).toEqual(plain);
});
