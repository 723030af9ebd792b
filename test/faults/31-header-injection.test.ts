import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dial } from '../support/raw-http.ts';
import { bounded } from '../support/until.ts';
import { type EdgeAlone, rates, repliesIn, startEdge } from './edge.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('what was sent came back in a body', 'a request was refused by the parser', 'a header that is read was accepted');

let edge: EdgeAlone;
beforeAll(async () => { edge = await startEdge({ corsOrigins: ['https://shop.example'], rates: rates(1_000_000, 60_000) }); });
afterAll(async () => { await edge[Symbol.asyncDispose](); });

async function replyTo(target: string, headers: string) {
  using wire = await dial(edge.url);
  await wire.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}Connection: close\r\n\r\n`);
  await bounded(wire.closed, () => 'expected the connection to be closed');
  const bytes = wire.received;
  const [reply, ...more] = repliesIn(bytes);
  expect(more).toEqual([]);
  return { reply: reply!, head: bytes.toString('latin1').split('\r\n\r\n', 1)[0]! };
}

/** Headers that anything of ours looks at. */
const looked = ['accept', 'authorization', 'cache-control', 'if-none-match', 'traceparent', 'origin', 'x-forwarded-for', 'upgrade', 'access-control-request-method'];
/** What would begin a header, or a reply, of its own if it were let out as it came. */
const marker = 'x-injected: yes';

test('what stands in the query, however it is written, comes back in JSON alone', async () => {
  const breaks = fc.constantFrom('%0d%0a', '%0a', '%0d', '%00', '%E5%98%8D%E5%98%8A', '%u000a', '\\r\\n', '%c0%8a', '%2500', '%250d%250a');
  await fc.assert(fc.asyncProperty(fc.array(breaks, { minLength: 1, maxLength: 3 }), fc.constantFrom('user_id', 'x', '%0d%0aa'), async (parts, name) => {
    const { reply, head } = await replyTo(`/api/aggregated?${name}=a${parts.join('')}${marker.replace(' ', '%20')}`, '');
    expect(reply.status).toBe(400);
    expect(head).not.toContain('injected');
    expect(Array.from(reply.body).filter((character) => character < ' ')).toEqual([]);
    saw('what was sent came back in a body', reply.body.includes('injected'));
  }), { numRuns: 60 });
});

test('a value with a control character is refused wherever it stands, and never repeated', async () => {
  const bad = fc.constantFrom('\r', '\n', '\0', '\x01', '\x08', '\x7f', '\r\n ', '\n\t');
  await fc.assert(fc.asyncProperty(fc.constantFrom(...looked), bad, async (name, character) => {
    const { reply, head } = await replyTo('/api/aggregated?user_id=1', `${name}: a${character}${marker}\r\n`);
    expect(reply.status).toBe(400);
    expect(head + reply.body).not.toContain('injected');
    saw('a request was refused by the parser');
  }), { numRuns: 60 });
});

test('whatever else a header holds, none of it is among the headers of the reply', async () => {
  const value = fc.string({ unit: fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f).map((code) => String.fromCodePoint(code)), maxLength: 40 });
  await fc.assert(fc.asyncProperty(fc.constantFrom(...looked), value, async (name, text) => {
    const { reply, head } = await replyTo('/api/aggregated?user_id=1', `${name}: injected${text}\r\n`);
    expect(head).not.toContain('injected');
    saw('a header that is read was accepted', reply.status === 200);
  }), { numRuns: 100 });
});

test('of an origin nothing is repeated, unless it is one of those that are configured', async () => {
  for (const origin of ['https://shop.example.evil', 'https://evil/https://shop.example', 'null', '*', 'https://shop.example,https://evil', 'https://shop.example']) {
    const { reply } = await replyTo('/api/aggregated?user_id=1', `Origin: ${origin}\r\n`);
    expect(reply.headers.get('access-control-allow-origin')).toBe(origin === 'https://shop.example' ? origin : undefined);
  }
});
