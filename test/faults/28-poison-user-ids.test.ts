// Row 28. User ids that are no ids: any unicode, NUL, half characters, a megabyte, lists. The reply is a 400 (414 or 431
// for what no target or request line may be), never a 500, and nobody is asked.
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Connection, keepAlive } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { raw } from '../support/raw-http.ts';
import { countStatements, type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('an id was refused', 'an id was taken', 'half a character came', 'a NUL came', 'a megabyte came');

let database: Database;
let gateway: Gateway;
let connection: Connection;
let statements: () => Promise<number>;

beforeAll(async () => {
  database = await seedDatabase();
  statements = await countStatements(database);
  gateway = await startGateway({ database });
  await gateway.ask(1);
  connection = keepAlive();
});
afterAll(async () => {
  connection[Symbol.dispose]();
  await gateway[Symbol.asyncDispose]();
  await database.drop();
});

/** How often anybody was asked so far; counting is a statement of its own. */
const asked = async () => gateway.upstream.requests.length + await statements();

/** A text as it goes into a URL, half characters as those write them who know no better (CESU-8). */
const escaped = (text: string): string => Array.from(text, (character) => {
  if (character.isWellFormed()) return encodeURIComponent(character);
  saw('half a character came');
  const unit = character.charCodeAt(0);
  return [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)].map((byte) => `%${byte.toString(16)}`).join('');
}).join('');

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ unit: fc.constantFrom('\0', '\ud800', '\udfff', '\u202e', '\ufeff', '\u2028', 'İ', 'ﬀ', '１', '🙂', '\r', '\n', "'", '1'), minLength: 1, maxLength: 8 }),
);

test('a text that is no id is a 400 that repeats it in JSON at most, and asks nobody', async () => {
  const before = await asked();
  await fc.assert(fc.asyncProperty(anyText.filter((text) => !/^[A-Za-z0-9_-]{1,64}$/.test(text)), async (text) => {
    saw('a NUL came', text.includes('\0'));
    const reply = await gateway.ask(escaped(text), { connection });
    expect([reply.status, reply.json]).toMatchObject([400, { code: 'invalid_input', issues: [{ parameter: 'user_id' }] }]);
    saw('an id was refused');
  }), { numRuns: 500 });
  expect(await asked() - before).toBe(1);
});

test('a text that is an id is asked for, and found or not', async () => {
  await fc.assert(fc.asyncProperty(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), async (text) => {
    expect((await gateway.ask(text, { connection })).status).toBeOneOf([200, 404]);
    saw('an id was taken');
  }), { numRuns: 50 });
});

test.each<[string, string, number?]>([
  ['a list', 'user_id=1&user_id=2'], ['a list in brackets', 'user_id[]=1'], ['an object', 'user_id[id]=1'], ['a list of a thousand', Array.from({ length: 1_000 }, () => 'user_id=1').join('&'), 414],
  ['JSON', 'user_id={"id":1}'], ['a list in JSON', 'user_id=[1]'], ['nothing', 'user_id'], ['an empty text', 'user_id='], ['an operator', 'user_id[$ne]=1'],
  ['fifteen kilobytes', `user_id=${'1'.repeat(15_000)}`, 414], ['bytes that are not UTF-8', 'user_id=%ff%fe'], ['an overlong NUL', 'user_id=%c0%80'], ['what is no escape', 'user_id=%'],
  ['a byte above ASCII', 'user_id=\u00e9'], ['a raw tab', 'user_id=1\t2'], ['a raw NUL', 'user_id=1\0'], ['a raw line end', 'user_id=1\n2'],
])('%s is refused', async (_, query, status = 400) => {
  const before = await asked();
  const reply = (await raw(gateway.url, `GET /api/aggregated?${query} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`)).toString();
  expect(reply).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(await asked() - before).toBe(1);
});

test('a megabyte is refused before it is read', async () => {
  const before = await asked();
  const reply = (await raw(gateway.url, `GET /api/aggregated?user_id=${'1'.repeat(16 * 1024)}`)).toString();
  expect(reply).toMatch(/^HTTP\/1\.1 431 /);
  const megabyte = await gateway.ask('1'.repeat(1024 * 1024)).then(({ status }) => status, (error: unknown) => (error as { code?: string }).code);
  // Who still sends when the refusal comes may see its connection end instead.
  expect(megabyte).toBeOneOf([431, 'EPIPE', 'ECONNRESET']);
  saw('a megabyte came');
  expect(await asked() - before).toBe(1);
});
