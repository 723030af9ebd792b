import { expect, test } from 'vitest';
import { hang, json } from './answers.ts';
import { keepAlive, open, request } from './http-client.ts';
import { dial, raw } from './raw-http.ts';
import { startRelay } from './relay.ts';
import { startUpstream } from './upstream.ts';

test('passes on what is said, in both directions, and knows how each connection began', async () => {
  await using upstream = await startUpstream();
  upstream.answer(json(1), json(2));
  await using relay = await startRelay(upstream.url);
  expect([(await request(relay.url)).json, (await request(relay.url)).json]).toEqual([1, 2]);
  expect(relay.openings.map((bytes) => bytes.toString().split(' ')[0])).toEqual(['GET', 'GET']);
  await relay.accepted(2);
});

test('one that goes away is gone on the other side too', async () => {
  await using upstream = await startUpstream();
  upstream.answer(hang);
  await using relay = await startRelay(upstream.url);
  const exchange = await open(relay.url);
  await upstream.received();
  exchange.reset();
  await upstream.allDisconnected();
});

test('new connections are refused while those that were passed on live on', async () => {
  await using upstream = await startUpstream();
  await using relay = await startRelay(upstream.url);
  using connection = keepAlive();
  await request(relay.url, { connection });
  await relay.refuse();
  await expect(request(relay.url)).rejects.toThrow('ECONNREFUSED');
  expect(await request(relay.url, { connection })).toMatchObject({ status: 200, reused: true });
});

test('new connections are swallowed, or told a few bytes', async () => {
  await using upstream = await startUpstream();
  await using relay = await startRelay(upstream.url);
  relay.welcome('swallow');
  using wire = await dial(relay.url);
  await wire.write('hello?');
  await expect(wire.until('anything', 20)).rejects.toThrow('expected "anything", but got ""');
  relay.welcome({ say: 'no' });
  expect((await raw(relay.url, 'hello?')).toString()).toBe('no');
  expect(upstream.openConnections).toBe(0);
});

test('what is silenced says nothing more, and nobody is told', async () => {
  await using upstream = await startUpstream();
  await using relay = await startRelay(upstream.url);
  using connection = keepAlive();
  await request(relay.url, { connection });
  relay.silence();
  await expect(request(relay.url, { connection, timeoutMs: 50 })).rejects.toThrow('expected a reply');
  expect(upstream.requests).toHaveLength(1);
});
