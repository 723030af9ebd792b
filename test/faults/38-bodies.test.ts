import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { request } from '../support/http-client.ts';
import { dial } from '../support/raw-http.ts';
import { bounded } from '../support/until.ts';
import { repliesIn, startEdge, startReader } from './edge.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a body of exactly the most was read', 'one byte more was refused', 'a refusal came before the body', 'a refusal came within the chunks');

let reader: Awaited<ReturnType<typeof startReader>>;
beforeAll(async () => { reader = await startReader(); });
afterAll(async () => { await reader[Symbol.asyncDispose](); });

const most = 64 * 1024;
/** JSON of so many bytes. */
const jsonOf = (length: number): string => JSON.stringify('a'.repeat(length - 2));
const type = { 'content-type': 'application/json' };
const head = (more: string) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}\r\n\r\n`;

test.each([2, 100, most])('a body of %i bytes is read, and the connection goes on', async (length) => {
  expect((await request(reader.url, { method: 'POST', headers: type, body: jsonOf(length) })).json).toEqual({ length });
  const chunked = await request(reader.url, { method: 'POST', headers: { ...type, 'transfer-encoding': 'chunked' }, body: jsonOf(length) });
  expect(chunked.json).toEqual({ length });
  saw('a body of exactly the most was read', length === most);
});

test('one byte more is 413, in one piece or in chunks', async () => {
  for (const more of [{}, { 'transfer-encoding': 'chunked' }]) {
    const reply = await request(reader.url, { method: 'POST', headers: { ...type, ...more }, body: jsonOf(most + 1) });
    expect([reply.status, reply.headers['content-type'], reply.headers.connection]).toEqual([413, 'application/problem+json', 'close']);
    expect(reply.json).toMatchObject({ code: 'payload_too_large', detail: 'expected a body of at most 65536 bytes' });
    saw('one byte more was refused');
  }
});

test('what is too long by its Content-Length is refused before any of it has come, and the connection closed', async () => {
  using wire = await dial(reader.url);
  await wire.write(head(`Content-Length: ${10 * 1024 ** 3}`));
  await wire.until('payload_too_large');
  saw('a refusal came before the body');
  await bounded(wire.closed, () => 'expected the connection to be closed');
  expect(repliesIn(wire.received)).toHaveLength(1);
});

test('what is asked whether it may come is refused before it comes', async () => {
  using wire = await dial(reader.url);
  await wire.write(head(`Content-Length: ${most + 1}\r\nExpect: 100-continue`));
  await bounded(wire.closed, () => 'expected the connection to be closed');
  expect(repliesIn(wire.received).map(({ status }) => status)).toEqual([413]);
});

test('… and what may come is asked for', async () => {
  using wire = await dial(reader.url);
  await wire.write(head('Content-Length: 2\r\nExpect: 100-continue'));
  await wire.until('100 Continue');
  await wire.write('{}');
  await wire.until('{"length":2}');
});

test('chunks that never end are refused as soon as they are too many', async () => {
  const before = reader.read.length;
  using wire = await dial(reader.url);
  await wire.write(head('Transfer-Encoding: chunked'));
  const chunk = `1000\r\n${'a'.repeat(0x1000)}\r\n`;
  // 16 of them are as much as may come.
  for (let sent = 0; sent < 17; sent++) await wire.write(chunk);
  await wire.until('payload_too_large');
  saw('a refusal came within the chunks');
  await bounded(wire.closed, () => 'expected the connection to be closed');
  expect(repliesIn(wire.received).map(({ status }) => status)).toEqual([413]);
  expect(reader.read).toHaveLength(before);
});

test('a client that sends on for ever is cut off, and reads its reply nevertheless', async () => {
  using wire = await dial(reader.url);
  await wire.write(head(`Content-Length: ${1024 ** 3}`));
  const chunk = Buffer.alloc(64 * 1024);
  const sending = (async () => { while (wire.open) await wire.write(chunk); })().catch(() => undefined);
  await bounded(wire.closed, () => 'expected the connection to be closed');
  await sending;
  expect(wire.received.toString('latin1')).toContain('payload_too_large');
});

describe('a body of another kind', () => {
  test.each([
    ['of no type', {}],
    ['of a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['of a type that only begins so', { 'content-type': 'application/jsonp' }],
    ['of XML', { 'content-type': 'text/xml; charset=application/json' }],
  ])('%s is 415, and the reply says what is taken', async (_, headers) => {
    const reply = await request(reader.url, { method: 'POST', headers, body: '{}' });
    expect([reply.status, reply.headers['accept'], (reply.json as { code: string }).code]).toEqual([415, 'application/json', 'unsupported_media_type']);
  });

  test.each(['gzip', 'br', 'deflate', 'identity, gzip', 'x'])('with the Content-Encoding %s is 415', async (encoding) => {
    const reply = await request(reader.url, { method: 'POST', headers: { ...type, 'content-encoding': encoding }, body: '{}' });
    expect([reply.status, reply.headers['accept-encoding'], (reply.json as { code: string }).code]).toEqual([415, 'identity', 'unsupported_media_type']);
  });

  test.each(['application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json ;x=y'])('%s is none', async (value) => {
    expect((await request(reader.url, { method: 'POST', headers: { 'content-type': value, 'content-encoding': 'identity' }, body: '{}' })).status).toBe(200);
  });
});

test('the service itself has no route that takes one: the reply is 405, on both ports nobody is asked for anything', async () => {
  const asked: string[] = [];
  await using edge = await startEdge({ asked: (user) => { asked.push(user); } });
  const options = { method: 'POST', headers: type, body: '{"a":1}' };
  expect((await request(`${edge.url}/api/aggregated?user_id=1`, options)).status).toBe(405);
  expect((await request(`${edge.url}/api/aggregated?user_id=1`, { ...options, body: jsonOf(most + 1) })).status).toBe(413);
  expect((await request(`${edge.adminUrl}/cache/invalidate?tag=a:b`, { ...options, body: jsonOf(most + 1) })).status).toBe(413);
  expect(asked).toEqual([]);
});
