import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepAlive } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { raw } from '../support/raw-http.ts';
import { type Gateway, seedDatabase, startGateway } from './gateway.ts';
import { expectProblem } from './problems.ts';

let database: Database;
let gateway: Gateway;

beforeAll(async () => {
  database = await seedDatabase();
  gateway = await startGateway({ database });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database.drop();
});

const oneId = 'expected one id of 1 to 64 letters, digits, "_" or "-"';
const letters = 'expected 1 to 64 letters, digits, "_" or "-"';

test.each([
  ['an empty id', '', `${letters}, but got ""`],
  ['a space', '1%202', `${letters}, but got "1 2"`],
  ['a plus, which is a space', '1+2', `${letters}, but got "1 2"`],
  ['65 letters', 'a'.repeat(65), `${letters}, but got "${'a'.repeat(65)}"`],
  ['far too many letters', 'a'.repeat(2_000), `${letters}, but got "${'a'.repeat(80)}…"`],
  ['SQL', `1%27;drop%20table%20users;--`, `${letters}, but got "1';drop table users;--"`],
  ['a path', '../../etc/passwd', `${letters}, but got "../../etc/passwd"`],
  ['markup', '%3Cscript%3E', `${letters}, but got "<script>"`],
  ['a NUL', '1%00', String.raw`${letters}, but got "1\u0000"`],
  ['a line end', '1%0a', String.raw`${letters}, but got "1\n"`],
  ['two lines', '1%0d%0aSet-Cookie:%20a', String.raw`${letters}, but got "1\r\nSet-Cookie: a"`],
  ['a letter of another alphabet', '%C3%A9', `${letters}, but got "é"`],
  ['a digit of another alphabet', '%D9%A1', `${letters}, but got "١"`],
  ['half a character', '%ED%A0%80', `${letters}, but got "\ufffd\ufffd\ufffd"`],
  ['what is no escape', '%zz', `${letters}, but got "%zz"`],
  ['two ids', '1&user_id=2', `${oneId}, but got 2 values`],
  ['the same id twice', '1&user_id=1', `${oneId}, but got 2 values`],
])('%s is a 400 that says what was expected and what came', async (_, id, detail) => {
  const reply = await gateway.ask(id);
  expectProblem(reply, {
    status: 400, code: 'invalid_input', title: 'The request is not valid', detail: `user_id: ${detail}`, issues: [{ parameter: 'user_id', detail }],
  });
});

test.each(['', '?', '?USER_ID=1', '?user_id[]=1', '?user%20id=1', '?id=1', '?__proto__[user_id]=1', '?constructor=1'])('no id is a 400 too: %s', async (search) => {
  using connection = keepAlive();
  const reply = await gateway.ask('', { connection }).then(async () => raw(gateway.url, `GET /api/aggregated${search} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n`));
  const text = reply.toString();
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
  expect(text).toContain(JSON.stringify(`user_id: ${oneId}, but got nothing`));
});

test('whatever the id, it is found, not found or refused, and asks nobody when refused', async () => {
  using connection = keepAlive();
  await fc.assert(fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.stringMatching(/^[\w-]{1,64}$/)), async (id) => {
    const before = gateway.upstream.requests.length;
    const reply = await gateway.ask(encodeURIComponent(id), { connection });
    expect(reply.json).toBeTypeOf('object');
    if (/^[A-Za-z0-9_-]{1,64}$/.test(id)) expect(reply.status).toBeOneOf([200, 404]);
    else expect([reply.status, gateway.upstream.requests.length]).toEqual([400, before]);
  }), { numRuns: 150 });
});

test.each([
  ['what is not HTTP', 'nonsense\r\n\r\n'],
  ['two lengths', 'GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ['a length and chunks', 'POST /api/aggregated HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['no host', 'GET /api/aggregated?user_id=1 HTTP/1.1\r\n\r\n'],
  ['a host that is none', 'GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'],
  ['a host that is a path', 'GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: a/b?c\r\nConnection: close\r\n\r\n'],
  ['a line end in a header', 'GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: a\r\nX: a\nb\r\n\r\n'],
])('%s is refused before anybody is asked', async (_, bytes) => {
  const before = gateway.upstream.requests.length;
  expect((await raw(gateway.url, bytes)).toString('latin1')).toMatch(/^HTTP\/1\.1 400 /);
  expect(gateway.upstream.requests).toHaveLength(before);
});

test('headers of more than 16 KiB are refused', async () => {
  const bytes = `GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(17_000)}\r\n\r\n`;
  expect((await raw(gateway.url, bytes)).toString('latin1')).toMatch(/^HTTP\/1\.1 431 /);
});
