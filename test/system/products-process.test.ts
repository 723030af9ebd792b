import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request } from '../support/http-client.ts';
import { bearer, jwksOf, newPair, type Pair, rules, token } from '../support/issuer.ts';
import { createDatabase, type Database } from '../support/postgres.ts';
import { bounded } from '../support/until.ts';
import { closedPort } from '../support/upstream.ts';
import { type Environment, startService } from './service.ts';
import { emptyShop, moka, path } from './shop.ts';

// The commands as somebody runs them: the migrations, then the service.

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tributary-products-'));
let database: Database;
let pair: Pair;

beforeAll(async () => {
  [database, pair] = await Promise.all([emptyShop(), newPair('one')]);
  writeFileSync(join(folder, 'keys.json'), JSON.stringify(jwksOf(pair)));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

async function migrateWith(environment: Environment) {
  const child = spawn(process.execPath, ['src/migrate.ts'], { cwd: root, env: { PATH: process.env['PATH'], ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const [[code], out, err] = await bounded(Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]), () => 'expected the command to end', 90_000);
    return [code as number | null, out, err] as const;
  } finally {
    child.kill('SIGKILL');
  }
}

test('npm run db:migrate says what it has done, and what is wrong', async () => {
  await using empty = await createDatabase();
  const { url } = empty;
  expect(await migrateWith({ DATABASE_URL: url })).toEqual([0, 'migrated: 0001_products\n', '']);
  expect(await migrateWith({ DATABASE_URL: url })).toEqual([0, 'nothing to migrate\n', '']);
  expect(await migrateWith({ DATABASE_URL: 'mysql://u:secret@db/x' })).toEqual([78, '', expect.stringMatching(/^DATABASE_URL: expected a URL that starts with postgres:\/\/ .*\n$/)]);
  const port = await closedPort();
  expect(await migrateWith({ DATABASE_URL: `postgres://u:secret@127.0.0.1:${port}/db` })).toEqual([1, '', `expected the database of DATABASE_URL to take the migrations, but got: connect ECONNREFUSED 127.0.0.1:${port}\n`]);
});

const start = (more: Environment) => startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: 'http://127.0.0.1:9', CACHE: 'memory', CACHE_NOTIFY: 'off', ...more });

const post = async (url: string, headers: Record<string, string> = {}) => (await request(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(moka) })).status;

const by = async (more: Readonly<Record<string, unknown>>) => ({ authorization: bearer(await token(pair, more)) });

test.each(['optional', 'jwt'])('with AUTH=%s anybody reads, and an admin changes', async (AUTH) => {
  await using service = await start({ AUTH, JWT_KEYS_FILE: join(folder, 'keys.json'), JWT_ISSUER: rules.issuer, JWT_AUDIENCE: 'tributary' });
  expect(await post(service.url)).toBe(401);
  expect(await post(service.url, await by({ sub: '7' }))).toBe(403);
  expect(await post(service.url, await by({ sub: '7', scope: 'aggregates:read:any' }))).toBe(403);
  expect(await post(service.url, await by({ sub: 'ops', roles: ['admin'] }))).toBe(201);
  expect((await request(`${service.url}${path}`)).status).toBe(200);
  expect((await request(`${service.url}${path}`, { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401);
});

test('with AUTH=none anybody reads, and nobody changes', async () => {
  await using service = await start({ AUTH: 'none' });
  expect(await post(service.url)).toBe(401);
  expect((await request(`${service.url}${path}`)).status).toBe(200);
});
