import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { body, hang, json, stalled } from './answers.ts';
import { keepAlive, open, request } from './http-client.ts';
import { dial, raw } from './raw-http.ts';
import { startUpstream } from './upstream.ts';

test('each request has its own connection, unless it is given one', async () => {
  await using upstream = await startUpstream();
  const fresh = [await request(upstream.url), await request(upstream.url)];
  using connection = keepAlive();
  const kept = [await request(upstream.url, { connection }), await request(upstream.url, { connection })];
  expect([...fresh, ...kept].map(({ reused }) => reused)).toEqual([false, false, false, true]);
});

test('what is no JSON says so, with what it was', async () => {
  await using upstream = await startUpstream();
  upstream.answer(body('<html>', { status: 502 }));
  const reply = await request(upstream.url);
  expect(() => reply.json).toThrow('expected JSON, but got 502 <html>');
});

test('a request that gets no reply ends with a message, even under fake time, and its connection with it', async () => {
  await using upstream = await startUpstream();
  upstream.answer(hang);
  vi.useFakeTimers();
  try {
    await expect(request(`${upstream.url}/x`, { timeoutMs: 20 })).rejects.toThrow(/^after 20 ms: expected a reply to GET .*\/x$/);
  } finally {
    vi.useRealTimers();
  }
  await upstream.allDisconnected();
});

test.each(['destroy', 'reset'] as const)('%s ends a request before and after the head of its response', async (way) => {
  await using upstream = await startUpstream();
  upstream.answer(hang, stalled);
  const unanswered = await open(upstream.url);
  await upstream.received();
  unanswered[way]();
  await unanswered.closed;
  await expect(unanswered.response).rejects.toThrow();
  const begun = await open(upstream.url);
  expect((await begun.response).statusCode).toBe(200);
  begun[way]();
  await begun.closed;
  await upstream.allDisconnected();
});

test('reset is a RST and destroy is a FIN to the other side', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ends: string[] = [];
  for (const way of ['destroy', 'reset'] as const) {
    const accepted = once(server, 'connection');
    const exchange = await open(url);
    const [socket] = await accepted;
    socket.resume().on('end', () => ends.push('FIN')).on('error', ({ code }: NodeJS.ErrnoException) => ends.push(String(code)));
    const gone = once(socket, 'close').catch(() => {});
    exchange[way]();
    await gone;
  }
  expect(ends).toEqual(['FIN', 'ECONNRESET']);
  server.close();
});

test('raw bytes go as they are and all that comes back is seen', async () => {
  await using upstream = await startUpstream();
  upstream.answer(json({ ok: true }));
  const reply = await raw(upstream.url, 'GET //a/../%2e HTTP/1.1\r\nHost: a\r\nX-Name: \xe9\r\nConnection: close\r\n\r\n');
  expect(reply.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\{"ok":true\}/);
  expect(upstream.requests[0]).toMatchObject({ url: '//a/../%2e', headers: { 'x-name': '\xe9' } });
  expect((await raw(upstream.url, 'nonsense\r\n\r\n')).toString('latin1')).toMatch(/^HTTP\/1\.1 400 /);
});

test('a wire sends bit by bit and waits for what it wants to read', async () => {
  await using upstream = await startUpstream();
  using wire = await dial(upstream.url);
  for (const piece of ['GET / HT', 'TP/1.1\r\nHos', 't: a\r\n\r\n']) await wire.write(piece);
  await wire.until('200 OK');
  await expect(wire.until('never', 20)).rejects.toThrow(/expected "never", but got "HTTP\/1.1 200/);
  await expect(raw(upstream.url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 50)).rejects.toThrow('expected the server to close');
  wire.reset();
  await wire.closed;
  await expect(wire.until('more')).rejects.toThrow('the connection ended');
});
