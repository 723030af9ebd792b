import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { json } from '../support/answers.ts';
import { bearer, jwksOf, newPair, type Pair, rules, token } from '../support/issuer.ts';
import type { Database } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { type Environment, type Service, startService } from './service.ts';

// AUTH=jwt in the process as it is started.

let database: Database;
let upstream: Upstream;
let issuer: Upstream;
let [one, two]: Pair[] = [];
const folder = mkdtempSync(join(tmpdir(), 'tributary-keys-'));

beforeAll(async () => {
  [database, upstream, issuer, one, two] = await Promise.all([seedDatabase(), startUpstream(), startUpstream(), newPair('one'), newPair('two')]);
  upstream.answer(json(['a', 'b']));
  issuer.answer(json(jwksOf(one)));
});
afterAll(async () => {
  await Promise.all([upstream.stop(), issuer.stop(), database.drop()]);
  rmSync(folder, { recursive: true, force: true });
});

const start = (more: Environment): Promise<Service> => startService({
  DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, NODE_ENV: 'production', DRAIN_DELAY_MS: '0', CACHE: 'memory',
  AUTH: 'jwt', JWT_ISSUER: rules.issuer, JWT_AUDIENCE: 'tributary', JWT_ROLES_CLAIM: 'realm_access.roles', ...more,
});
const headers = async (pair: Pair, more: Readonly<Record<string, unknown>> = {}) => ({ headers: { authorization: bearer(await token(pair, more)) } });

test('a service whose issuer publishes its keys lets in whom it may', async () => {
  await using service = await start({ JWT_JWKS_URL: `${issuer.url}/keys` });
  const [own, other, operator, forged] = await Promise.all([headers(one!), headers(one!, { sub: '2' }), headers(one!, { sub: 'ops', realm_access: { roles: ['admin'] } }), headers(two!)]);
  expect((await service.ask(1)).status).toBe(401);
  for (let turn = 0; turn < 3; turn++) {
    const mine = await service.ask(1, own);
    expect([mine.status, mine.json]).toMatchObject([200, { user_data: { name: 'User 1' } }]);
    expect(mine.headers).toMatchObject({ vary: 'authorization, accept', 'server-timing': expect.stringMatching(/^traceparent/) as string });
    expect([(await service.ask(1, other)).status, (await service.ask(1, forged)).status]).toEqual([403, 401]);
    expect((await service.ask(1, operator)).headers['server-timing']).toContain('user_data;dur=');
  }
  // For the stranger's key once more, and for nobody else.
  expect(issuer.requests.map(({ url }) => url)).toEqual(['/keys', '/keys']);
  service.signal('SIGTERM');
  expect(await service.ended()).toBe(0);
  const log = JSON.stringify(service.log) + service.stderr;
  for (const each of [own, other, operator, forged]) expect(log).not.toContain(each.headers.authorization.slice('Bearer '.length, 60));
  expect(log).not.toContain('AUTH=none');
});

test('keys in a file are read again when a token names one that is not known', async () => {
  const file = join(folder, 'keys.json');
  writeFileSync(file, JSON.stringify(jwksOf(one!)));
  await using service = await start({ JWT_KEYS_FILE: file });
  expect((await service.ask(1, await headers(one!))).status).toBe(200);
  writeFileSync(file, JSON.stringify(jwksOf(one!, two!)));
  expect((await service.ask(1, await headers(two!))).status).toBe(200);
});

test('a service without keys starts, says so, and blames nobody', async () => {
  await using service = await start({ JWT_KEYS_FILE: join(folder, 'missing.json') });
  const reply = await service.ask(1, await headers(one!));
  expect([reply.status, reply.headers['retry-after'], reply.json]).toMatchObject([503, '5', { code: 'keys_unavailable' }]);
  expect((await service.ask(1)).status).toBe(401);
  expect((await service.logged('the keys of the issuer could not be loaded: those that are known serve on'))['source']).toContain('missing.json');
});
