import { beforeAll, describe, expect, test } from 'vitest';
import { json } from './answers.ts';
import { keepAlive, open, request } from './http-client.ts';
import type { Network } from './network.ts';
import { raw } from './raw-http.ts';
import { startRelay } from './relay.ts';
import { findToxiproxy, startToxiproxy } from './toxiproxy.ts';
import { toxiproxyBuildMs } from './toxiproxy-build.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const question = 'GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n';
const letters = 'abcdefghij'.repeat(10);

// Where toxiproxy cannot be had, findToxiproxy says why, and the relay is tested twice.
beforeAll(async () => { await findToxiproxy(); }, toxiproxyBuildMs);

async function toxiproxy(target: string): Promise<Network> {
  const found = await findToxiproxy();
  return 'path' in found ? startToxiproxy(found.path, target) : startRelay(target);
}

describe.each([['toxiproxy', toxiproxy], ['relay', startRelay]] as const)('a network made by %s', (_, start) => {
  async function behind(): Promise<{ upstream: Upstream; network: Network } & AsyncDisposable> {
    const upstream = await startUpstream();
    upstream.answer(json(letters));
    const network = await start(upstream.url);
    return {
      upstream, network,
      async [Symbol.asyncDispose]() {
        await network[Symbol.asyncDispose]();
        await upstream.stop();
      },
    };
  }

  test('passes on what is said, with the host of the server replaced', async () => {
    await using it = await behind();
    expect(new URL(it.network.url).port).not.toBe(new URL(it.upstream.url).port);
    using connection = keepAlive();
    for (const reused of [false, true]) expect(await request(it.network.url, { connection })).toMatchObject({ status: 200, json: letters, reused });
  });

  test('that hangs swallows what the server says, on connections old and new, and is well again after', async () => {
    await using it = await behind();
    using old = keepAlive();
    using fresh = keepAlive();
    await request(it.network.url, { connection: old });
    await it.network.suffer({ kind: 'hang' });
    const swallowed = await Promise.all([old, fresh].map((connection) => open(it.network.url, { connection })));
    await it.upstream.received(3);
    for (const asked of it.upstream.requests.slice(1)) expect(await asked.closed).toBe('answered');
    await it.network.suffer(undefined);
    for (const { response } of swallowed) await expect(response).rejects.toThrow();
    expect((await request(it.network.url)).json).toBe(letters);
  });

  test('that resets does so when the server speaks', async () => {
    await using it = await behind();
    await it.network.suffer({ kind: 'reset' });
    await expect(request(it.network.url)).rejects.toThrow('ECONNRESET');
    await it.upstream.received(1);
    await it.network.suffer(undefined);
    expect((await request(it.network.url)).json).toBe(letters);
  });

  test.each([1, 20])('that cuts after %d bytes passes on as many', async (afterBytes) => {
    await using it = await behind();
    await it.network.suffer({ kind: 'cut', afterBytes });
    expect((await raw(it.network.url, question)).toString()).toBe('HTTP/1.1 200 OK\r\ncon'.slice(0, afterBytes));
    await it.network.suffer(undefined);
    expect((await request(it.network.url)).json).toBe(letters);
  });

  test('that slices sends all of it, in many pieces', async () => {
    await using it = await behind();
    await it.network.suffer({ kind: 'slice', bytes: 10, everyMs: 5 });
    const response = await (await open(it.network.url)).response;
    const pieces: string[] = [];
    for await (const piece of response) pieces.push(String(piece));
    expect(JSON.parse(pieces.join(''))).toBe(letters);
    // 102 bytes; some pieces may have caught up with the one before.
    expect(pieces.length).toBeGreaterThan(3);
  });
});
