import { expect, test } from 'vitest';
import { body, closingAfter, drip, flood, gzipped, hang, held, json, redirect, reset, resetMidBody, stalled, status, truncated, wire, type Answer } from './answers.ts';
import { prototypeTexts, unreadableBodies, wrongShapes } from './hostile-bodies.ts';
import { keepAlive, open, request } from './http-client.ts';
import { closedPort, startUpstream } from './upstream.ts';

test('records what it was asked, byte for byte, and answers in the order it was told', async () => {
  await using upstream = await startUpstream();
  upstream.answer(json({ first: true }), status(503, 'busy', { 'retry-after': '1' }));
  const first = await request(`${upstream.url}/a?user=%2f&x=1`, { method: 'POST', headers: { 'x-deadline': '90' }, body: 'sent' });
  expect([first.status, first.json]).toEqual([200, { first: true }]);
  for (const _ of [2, 3]) {
    const next = await request(upstream.url);
    expect([next.status, next.text, next.headers['retry-after']]).toEqual([503, 'busy', '1']);
  }
  expect(upstream.requests).toHaveLength(3);
  expect(upstream.requests[0]).toMatchObject({ method: 'POST', url: '/a?user=%2f&x=1', headers: { 'x-deadline': '90' }, body: 'sent' });
  expect(await upstream.requests[0]?.closed).toBe('answered');
});

test('headers, a status, a delay, a redirect and compressed bytes arrive as they were told', async () => {
  await using upstream = await startUpstream();
  upstream.answer(json(1, { status: 201, headers: { etag: '"a"' }, delayMs: 1 }), redirect('http://127.0.0.1:1/'), gzipped('{}'));
  expect(await request(upstream.url)).toMatchObject({ status: 201, text: '1', headers: { etag: '"a"' } });
  expect(await request(upstream.url)).toMatchObject({ status: 302, headers: { location: 'http://127.0.0.1:1/' } });
  const compressed = await request(upstream.url);
  expect(compressed.headers['content-encoding']).toBe('gzip');
  expect([...compressed.body.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
});

test('an asker who leaves is seen, and allClosed waits for it', async () => {
  await using upstream = await startUpstream();
  upstream.answer(hang);
  const leaving = await open(`${upstream.url}/slow`);
  const asked = await upstream.received();
  expect(upstream.openRequests).toBe(1);
  await expect(upstream.allClosed(1)).rejects.toThrow('expected no open request, but got GET /slow');
  leaving.reset();
  await upstream.allClosed();
  expect(await asked.closed).toBe('cut');
  await upstream.allDisconnected();
});

test.each<[string, Answer, RegExp]>([
  ['reset', reset, /ECONNRESET/],
  ['reset in the body', resetMidBody, /ECONNRESET|aborted/],
  ['truncated', truncated, /ECONNRESET|aborted/],
  ['not HTTP', wire('SSH-2.0-OpenSSH\r\n'), /Parse Error/],
])('%s ends without a whole reply', async (_, answer, failure) => {
  await using upstream = await startUpstream();
  upstream.answer(answer);
  await expect(request(upstream.url)).rejects.toThrow(failure);
  await upstream.allClosed();
  expect(await upstream.requests[0]?.closed).toBe('cut');
});

test.each<[string, Answer]>([['hang', hang], ['stalled', stalled], ['drip', drip(1)]])('%s never ends', async (_, answer) => {
  await using upstream = await startUpstream();
  upstream.answer(answer);
  const failed = expect(request(upstream.url, { timeoutMs: 100 })).rejects.toThrow('expected a reply');
  await upstream.received();
  await failed;
  await upstream.allClosed();
  expect(await upstream.requests[0]?.closed).toBe('cut');
});

test('drip goes on byte after byte, and headers come first', async () => {
  await using upstream = await startUpstream();
  upstream.answer(drip(1));
  using dripping = await open(upstream.url);
  const response = await dripping.response;
  let received = '';
  for await (const chunk of response) {
    received += String(chunk);
    if (received.length > 3) break;
  }
  expect(received).toMatch(/^"\.{3,}$/);
  await upstream.allClosed();
});

test('an answer that is held comes when it is released, and at once to those who ask later', async () => {
  await using upstream = await startUpstream();
  const later = held(json(1));
  upstream.answer(later.answer);
  const replies = [request(upstream.url), request(upstream.url)];
  await upstream.received(2);
  expect(upstream.openRequests).toBe(2);
  later.release();
  replies.push(request(upstream.url));
  expect((await Promise.all(replies)).map(({ json }) => json)).toEqual([1, 1, 1]);
});

test('a flood stops when its reader does, and counts what has left', async () => {
  await using upstream = await startUpstream();
  const endless = flood();
  upstream.answer(endless.answer);
  using flooded = await open(upstream.url);
  const response = await flooded.response;
  let readBytes = 0;
  for await (const chunk of response) {
    readBytes += (chunk as Buffer).length;
    if (readBytes > 1_000_000) break;
  }
  await upstream.allClosed();
  expect(endless.writtenBytes).toBeGreaterThanOrEqual(1_000_000);
  // What a kernel holds between two sockets is a few MB; far from for ever.
  expect(endless.writtenBytes).toBeLessThan(64_000_000);
});

test.each([true, false])('a flood of so many bytes is one JSON string of just these (declared: %s)', async (declared) => {
  await using upstream = await startUpstream();
  const big = flood({ bytes: 10_000_001, declared });
  upstream.answer(big.answer);
  const reply = await request(upstream.url);
  expect([reply.body.length, big.writtenBytes]).toEqual([10_000_001, 10_000_001]);
  expect(reply.headers['content-length']).toBe(declared ? '10000001' : undefined);
  expect(reply.json).toHaveLength(9_999_999);
});

test('a connection closed while idle carried its answer, and the next request needs another one', async () => {
  await using upstream = await startUpstream();
  upstream.answer(closingAfter(json(1)), json(2));
  using connection = keepAlive();
  expect(await request(upstream.url, { connection })).toMatchObject({ text: '1', headers: { connection: 'keep-alive' } });
  await upstream.allDisconnected();
  expect(await request(upstream.url, { connection })).toMatchObject({ text: '2', reused: false });
  expect(await request(upstream.url, { connection })).toMatchObject({ text: '2', reused: true });
  upstream.closeIdle();
  await upstream.allDisconnected();
});

test('nobody listens on a closed port', async () => {
  await expect(request(`http://127.0.0.1:${await closedPort()}`)).rejects.toThrow('ECONNREFUSED');
});

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

test('unreadable bodies cannot be read, wrong shapes and prototype texts can', async () => {
  await using upstream = await startUpstream();
  const read = async (answer: Answer): Promise<unknown> => {
    upstream.answer(answer);
    return JSON.parse(strict.decode((await request(upstream.url)).body));
  };
  for (const [name, answer] of Object.entries(unreadableBodies)) await expect(read(answer), name).rejects.toThrow();
  for (const [name, answer] of Object.entries(wrongShapes)) await expect(read(answer), name).resolves.toBeDefined();
  for (const [name, text] of Object.entries(prototypeTexts)) await expect(read(body(text)), name).resolves.toBeTypeOf('object');
  expect(Object.keys(prototypeTexts)).toHaveLength(6);
});
