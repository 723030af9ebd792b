import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request } from '../support/http-client.ts';
import { dial, type Wire } from '../support/raw-http.ts';
import { bounded, until } from '../support/until.ts';
import { type EdgeAlone, repliesIn, startEdge } from './edge.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a connection was closed while it still sent', 'others were answered meanwhile', 'a connection too many was turned away', 'a client did not read what it had asked for');

// A tenth of what they are in service, and less: what is tested is that there are limits at all.
const listening = { headersTimeout: 400, requestTimeout: 800, connectionsCheckingInterval: 50 };

let edge: EdgeAlone;
beforeAll(async () => { edge = await startEdge({ listening }); });
afterAll(async () => { await edge[Symbol.asyncDispose](); });

const patienceMs = 10_000;

/** Sends a byte now and then until the connection is over. */
async function drip(wire: Wire, bytes: string): Promise<void> {
  for (let at = 0; wire.open; at = (at + 1) % bytes.length) {
    await wire.write(bytes[at]!).catch(() => undefined);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    saw('a connection was closed while it still sent', at > 0 && !wire.open);
  }
}

const body = 'POST /api/aggregated HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

test.each([
  ['nothing', '', ''],
  ['half a line', 'GET /api', ''],
  ['a target that never ends', 'GET /', 'a'],
  ['headers that never end', 'GET / HTTP/1.1\r\nHost: x\r\n', 'a: b\r\n'],
  ['a body byte by byte', `${body}Content-Length: 60000\r\n\r\n`, 'a'],
  ['chunks byte by byte', `${body}Transfer-Encoding: chunked\r\n\r\n`, '1\r\na\r\n'],
  ['half a body', `${body}Content-Length: 10\r\n\r\n{`, ''],
  ['a chunk that never comes', `${body}Transfer-Encoding: chunked\r\n\r\nff\r\n`, ''],
])('who sends %s is told so, and closed, on both ports', async (_, start, dripped) => {
  for (const url of [edge.url, edge.adminUrl]) {
    using wire = await dial(url);
    if (start !== '') await wire.write(start);
    const dripping = dripped === '' ? Promise.resolve() : drip(wire, dripped);
    await bounded(wire.closed, () => `expected the connection to be closed, but got ${wire.received.toString('latin1')}`, patienceMs);
    await dripping;
    const [reply, ...more] = repliesIn(wire.received);
    expect([reply?.status, reply?.headers.get('content-type'), reply?.headers.get('connection'), more]).toEqual([408, 'application/problem+json', 'close', []]);
    expect(JSON.parse(reply!.body)).toMatchObject({ code: 'request_timeout', status: 408 });
  }
});

test('hundreds of them keep nobody from being answered', async () => {
  const wires = await Promise.all(Array.from({ length: 200 }, () => dial(edge.url)));
  try {
    await Promise.all(wires.map((wire) => wire.write('GET / HTTP/1.1\r\nHost')));
    const reply = await request(`${edge.url}/api/aggregated?user_id=1`);
    saw('others were answered meanwhile', reply.status === 200);
    expect(reply.json).toEqual({ user: { id: '1' } });
    await bounded(Promise.all(wires.map((wire) => wire.closed)), () => 'expected all of them to be closed', patienceMs);
  } finally {
    for (const wire of wires) wire[Symbol.dispose]();
  }
});

test('each of them leaves one line in the log, without anything of what it sent', async () => {
  using wire = await dial(edge.url);
  await wire.write('GET /secret HTTP/1.1\r\nAuthorization: Bearer secret');
  await bounded(wire.closed, () => 'expected the connection to be closed', patienceMs);
  expect(edge.log.at(-1)).toMatchObject({ msg: 'request', method: '_OTHER', route: '*', status: 408, code: 'request_timeout' });
  expect(JSON.stringify(edge.log)).not.toContain('secret');
});

test('connections above the bound are closed at once, and those within it go on', async () => {
  await using small = await startEdge({ listening: { connectionsMax: 2 } });
  using first = await dial(small.url);
  using second = await dial(small.url);
  using third = await dial(small.url);
  await bounded(third.closed, () => 'expected the third connection to be closed');
  saw('a connection too many was turned away', first.open && second.open);
  await first.write('GET /api/aggregated?user_id=7 HTTP/1.1\r\nHost: x\r\n\r\n');
  await first.until('{"id":"7"}');
});

test('who asks and asks and never reads is closed, and is asked for no more than fits between', async () => {
  let asked = 0;
  await using own = await startEdge({ listening: { silenceMs: 500 }, asked: () => { asked += 1; } });
  const socket = connect(Number(new URL(own.url).port), '127.0.0.1').pause().on('error', () => {});
  try {
    const ask = 'GET /api/aggregated?user_id=1 HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000);
    // More than the kernel keeps: each reply is longer than what asks for it.
    for (let sent = 0; sent < 100; sent++) socket.write(ask);
    await until(() => asked > 1_000, () => `expected some to be asked for, but got ${asked}`, patienceMs);
    // It does not read, so it hears of its end only by what it still sends.
    await bounded(new Promise((resolve) => { socket.once('close', resolve); }), () => 'expected the connection to be closed', patienceMs);
    saw('a client did not read what it had asked for', asked < 100_000);
  } finally {
    socket.destroy();
  }
});
