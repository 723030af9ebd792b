import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../demo/process/free-port.ts';
import { selfSigned } from '../support/certificate.ts';
import { createRedisServer, type RedisServer } from '../support/redis.ts';
import { connectImpatient, connectTier, Ear } from './redis-client.ts';

const { certificate, key } = selfSigned();
const authorities = getCACertificates('default');
let server: RedisServer;
let url: string;

beforeAll(async () => {
  const port = await freePort();
  url = `rediss://localhost:${port}`;
  server = await createRedisServer({ 'tls-port': String(port), 'tls-cert-file': 'cert.pem', 'tls-key-file': 'key.pem', 'tls-auth-clients': 'no' });
  await writeFile(join(server.dir, 'cert.pem'), certificate);
  await writeFile(join(server.dir, 'key.pem'), key, { mode: 0o600 });
  await server.start();
});
afterAll(async () => {
  setDefaultCACertificates(authorities);
  await server[Symbol.asyncDispose]();
});

test('a server that nobody vouches for is not there, nor one that speaks no TLS', async () => {
  // Many, since in some of them the server's alert comes as a second error after ours.
  const unknown = Array.from({ length: 20 }, () => connectImpatient(url));
  const plain = connectImpatient(`rediss://127.0.0.1:${server.port}`);
  await Promise.all([...unknown, plain].map((tier) => tier.told()));
  for (const tier of [...unknown, plain]) {
    expect(await tier.read('key', [])).toBeUndefined();
    expect(tier.troubles).toHaveLength(1);
    await tier.close();
  }
  for (const { troubles } of unknown) expect(troubles[0]).toMatchObject({ what: 'does not answer', error: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
});

test('one whose certificate is trusted is used, for commands and to hear', async () => {
  setDefaultCACertificates([...authorities, certificate]);
  await using tier = connectTier(url);
  const ear = new Ear();
  tier.listen(ear);
  await Promise.all([tier.answers(), ear.hears(1)]);
  tier.put('key', 'text', 60_000);
  expect((await tier.read('key', []))?.text).toBe('text');
  expect(await tier.invalidate(['tag'], 'token')).toBe(true);
  await ear.hears(2);
  expect(ear.heard).toEqual(['back', ['tag']]);
});
