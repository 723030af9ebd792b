import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, expect, test } from 'vitest';

const run = promisify(execFile);

// A working copy of its own: keys are made where there are none.
const root = mkdtempSync(join(tmpdir(), 'tributary-demo-'));
cpSync('demo', join(root, 'demo'), { recursive: true });
cpSync('package.json', join(root, 'package.json'));
symlinkSync(join(process.cwd(), 'node_modules'), join(root, 'node_modules'));
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

const tokenFor = async (...options: string[]): Promise<string> => (await run(process.execPath, ['demo/token.ts', ...options], { cwd: root })).stdout;
const file = (name: string) => join(root, '.tributary', 'keys', name);

test('tokens made at the same time are signed with one key, whose public half is published', async () => {
  const texts = await Promise.all([tokenFor('--user', '42'), tokenFor('--user', '7', '--ttl', '5m'), tokenFor('--user', 'ops', '--role', 'admin', '--scope', 'aggregates:read:any'), tokenFor('--admin'), tokenFor('--admin', '--user', 'me')]);
  const published = JSON.parse(readFileSync(file('public.json'), 'utf8')) as JSONWebKeySet;
  const read = await Promise.all(texts.map(async (text) => (await jwtVerify(text.trim(), createLocalJWKSet(published), { issuer: 'https://demo.tributary.invalid', audience: 'tributary-demo' })).payload));
  expect(read).toMatchObject([{ sub: '42' }, { sub: '7' }, { sub: 'ops', roles: ['admin'], scope: 'aggregates:read:any' }, { sub: 'ops', roles: ['admin'] }, { sub: 'me', roles: ['admin'] }]);
  expect(read[1]!.exp! - read[1]!.iat!).toBe(300);
  expect(texts[0]).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect(published.keys[0]).not.toHaveProperty('d');
  expect(statSync(file('private.json')).mode & 0o077).toBe(0);
});

test.each([[[]], [['--user']], [['--user', '42', '--ttl', 'for ever']], [['--user', '42', '--operator']]])('%j is told what was expected', async (options) => {
  await expect(tokenFor(...options)).rejects.toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^expected --user 42/) as string });
});
