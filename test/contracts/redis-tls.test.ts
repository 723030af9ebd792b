import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../demo/process/free-port.ts';
import { selfSigned } from '../support/certificate.ts';
import { createRedisServer, type RedisServer } from '../support/redis.ts';
import { connectImpatient, connectTier, Ear, type Trouble } from './redis-client.ts';

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
// Whom a test has come to trust, the next one does not.
afterEach(() => { setDefaultCACertificates(authorities); });
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Tries to connect; what it told of that it could not. */
async function refused(address: string): Promise<Trouble | undefined> {
  const tier = connectImpatient(address);
  await tier.told();
  expect(await tier.read('key', [])).toBeUndefined();
  expect(tier.troubles).toHaveLength(1);
  await tier.close();
  return tier.troubles[0];
}

test('a server that nobody vouches for is not there, nor one that speaks no TLS', async () => {
  // Many, since in some of them the server's alert comes as a second error after ours; a few at a time, since they would wait for one another.
  for (let turn = 0; turn < 5; turn++) {
    for (const trouble of await Promise.all([url, url, url, url].map(refused))) expect(trouble).toMatchObject({ what: 'does not answer', error: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  }
  await refused(`rediss://127.0.0.1:${server.port}`);
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
