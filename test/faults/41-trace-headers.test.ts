import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { startEdge } from './edge.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a trace was continued', 'a broken traceparent was ignored', 'headers at the bound were taken', 'headers above the bound were refused', 'an upstream was asked');

let database: Database;
let gateway: Gateway;
beforeAll(async () => {
  database = await seedDatabase();
  gateway = await startGateway({ database });
  await gateway.ask(1);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database.drop();
});

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const idOf = (headers: Readonly<Record<string, unknown>>) => String(headers['traceresponse']).split('-')[1];

/** A list of members of a header, about so long. */
const list = (length: number, member: (at: number) => string): string => {
  let text = member(0);
  for (let at = 1; text.length < length; at++) text += `,${member(at)}`;
  return text.slice(0, length);
};

const abuses: readonly (readonly [string, Record<string, string>])[] = [
  ['1,000 members of tracestate', { tracestate: list(12_000, (at) => `vendor${at}=value`) }],
  ['1,000 members of baggage', { baggage: list(12_000, (at) => `key${at}=value;property`) }],
  ['one member of 12 KB', { tracestate: `a=${'b'.repeat(12_000)}` }],
  ['baggage that names another user', { baggage: 'user_id=2,tenant=other,sampled=1' }],
  ['percent signs', { baggage: list(12_000, () => 'a=%') }],
  ['prototypes', { baggage: '__proto__=1,constructor=2', tracestate: '__proto__=1' }],
  ['commas', { baggage: ','.repeat(12_000), tracestate: ','.repeat(1_000) }],
  ['other formats', { b3: `${traceId}-b7ad6b7169203331-1`, 'x-b3-traceid': traceId, 'uber-trace-id': `${traceId}:1:0:1`, 'x-amzn-trace-id': 'Root=1-2-3', 'x-cloud-trace-context': `${traceId}/1;o=1` }],
];

test.each(abuses)('%s change nothing, and go nowhere', async (_, headers) => {
  const before = gateway.upstream.requests.length;
  const reply = await gateway.ask(1, { headers: { ...headers, traceparent } });
  expect([reply.status, idOf(reply.headers)]).toEqual([200, traceId]);
  saw('a trace was continued');
  const [asked] = gateway.upstream.requests.slice(before);
  saw('an upstream was asked', asked !== undefined);
  const names = Object.keys(asked!.headers);
  expect(names.filter((name) => !['host', 'connection', 'accept', 'traceparent', 'x-envoy-expected-rq-timeout-ms'].includes(name))).toEqual([]);
  expect(String(asked!.headers['traceparent'])).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  expect(JSON.stringify([reply.headers, reply.text, gateway.log])).not.toMatch(/vendor1|key1=|tenant=other/);
});

test.each([
  ['a zero trace id', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
  ['capitals', traceparent.toUpperCase()],
  ['16 KB of digits', `00-${'a'.repeat(12_000)}`],
  ['version ff', `ff${traceparent.slice(2)}`],
  ['more behind version 00', `${traceparent}-x`],
  ['two of them', `${traceparent}, ${traceparent}`],
  ['spaces', traceparent.replaceAll('-', ' - ')],
])('a traceparent with %s is as none', async (_, value) => {
  const reply = await gateway.ask(1, { headers: { traceparent: value, tracestate: 'a=b' } });
  expect(reply.status).toBe(200);
  expect(idOf(reply.headers)).toMatch(/^[0-9a-f]{32}$/);
  expect(idOf(reply.headers)).not.toBe(traceId);
  saw('a broken traceparent was ignored');
});

test('16 KiB of headers are taken, and a byte too many is 431', async () => {
  saw('headers at the bound were taken', (await gateway.ask(1, { headers: { baggage: 'a'.repeat(16_000) } })).status === 200);
  const refused = await gateway.ask(1, { headers: { baggage: 'a'.repeat(16_400) } });
  expect([refused.status, refused.headers['content-type'], (refused.json as { code: string }).code]).toEqual([431, 'application/problem+json', 'headers_too_large']);
  saw('headers above the bound were refused');
});

test('a thousand of them leave nothing behind', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await using edge = await startEdge();
  const headers = { baggage: list(12_000, (at) => `key${at}=v`), tracestate: list(3_000, (at) => `vendor${at}=v`), traceparent };
  const heapAfter = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(Array.from({ length: 25 }, () => request(`${edge.url}/api/aggregated?user_id=1`, { headers })));
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const first = await heapAfter(4);
  // 15 KB each: if they were kept it would be 15 MB.
  expect(await heapAfter(40) - first).toBeLessThan(5 * 1024 * 1024);
});
