// Row 12. An upstream answers with bytes that are no answer: changed on the way, cut short, compressed into a bomb, of
// another type. Its part is a bad answer, and never is the reply a 500 or what came passed on; the answers after it are whole.
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, body, json, truncated } from '../support/answers.ts';
import { internals } from '../support/failing.ts';
import { unreadableBodies, wrongShapes } from '../support/hostile-bodies.ts';
import { type Connection, keepAlive } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a change broke the answer', 'a change left an answer', 'a body was refused before it was read');

let database: Database;
let gateway: Gateway;
let connection: Connection;

beforeAll(async () => {
  database = await seedDatabase();
  gateway = await startGateway({ database, deadline: '1m' });
  connection = keepAlive();
});
afterAll(async () => {
  connection[Symbol.dispose]();
  await gateway[Symbol.asyncDispose]();
  await database.drop();
});

interface Overview {
  readonly recommendations: unknown;
  readonly errors?: readonly { readonly part: string; readonly code: string; readonly detail: string }[];
}

/** What became of the recommendations: the rest of the answer is there, whatever it was. */
async function recommendationsAfter(answer: Answer): Promise<Overview> {
  gateway.upstream.answer(answer);
  const reply = await gateway.ask(1, { connection });
  expect([reply.status, reply.json]).toMatchObject([200, { user_data: { name: 'User 1' }, analytics: { view: 12, purchase: 3 } }]);
  expect(reply.text).not.toMatch(internals);
  gateway.upstream.answer(json(['a', 'b']));
  // Two for one that fails: a source of which less than half is good is asked less.
  expectComplete([await gateway.ask(1, { connection }), await gateway.ask(1, { connection })]);
  return reply.json as Overview;
}

const bad = (code = 'bad_answer') => ({ recommendations: [], errors: [{ part: 'recommendations', code }] });

const good = Buffer.from(JSON.stringify(['lamp', 'tea é 🙂', '"quoted"\n', '']));

/** One change of some bytes: another byte, one more, one less, cut off here, or repeated from here. */
const change = fc.record({ how: fc.constantFrom('replace', 'insert', 'remove', 'cut', 'repeat'), at: fc.nat(good.length - 1), byte: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('[]{}",:\\ 0\n'))) });

function changed(bytes: Buffer, { how, at, byte }: { how: string; at: number; byte: number }): Buffer {
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (how) {
    case 'replace': return Buffer.concat([before, Buffer.from([byte]), after.subarray(1)]);
    case 'insert': return Buffer.concat([before, Buffer.from([byte]), after]);
    case 'remove': return Buffer.concat([before, after.subarray(1)]);
    case 'cut': return before;
    default: return Buffer.concat([bytes, after]);
  }
}

/** What these bytes say to whoever reads strictly; undefined if they are no list of texts. */
function listIn(bytes: Buffer): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

test('whatever happens to the bytes of an answer, it is read as what they say or is a bad answer', async () => {
  await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
    const bytes = changes.reduce(changed, good);
    const list = listIn(bytes);
    saw('a change broke the answer', list === undefined);
    saw('a change left an answer', list !== undefined);
    const overview = await recommendationsAfter(body(bytes));
    if (list === undefined) expect(overview).toMatchObject(bad());
    else expect([overview.recommendations, overview.errors]).toEqual([list, undefined]);
  }), { numRuns: 300 });
});

test.each<[string, Answer]>([...Object.entries(unreadableBodies), ...Object.entries(wrongShapes).filter(([name]) => name !== 'an empty list')])('%s is a bad answer', async (_, answer) => {
  expect(await recommendationsAfter(answer)).toMatchObject(bad());
});

test('a body that ends before it should is a failed part', async () => {
  expect(await recommendationsAfter(truncated)).toMatchObject(bad('source_failed'));
});

// A tenth of a megabyte that would become a hundred.
const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, ' '));

test.each(['gzip', 'br', 'deflate', 'zstd', 'gzip, gzip', 'compress', undefined])('a bomb that says it is %s is a bad answer and never unpacked', async (encoding) => {
  const before = process.memoryUsage().rss;
  const overview = await recommendationsAfter(body(bomb, { headers: encoding === undefined ? {} : { 'content-encoding': encoding } }));
  expect(overview).toMatchObject(bad());
  saw('a body was refused before it was read', overview.errors?.[0]?.detail.endsWith('in an encoding that was not asked for'));
  // A hundred megabytes would show.
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
});
