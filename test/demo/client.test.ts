// npm run example:client, against the service and against nobody.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../support/postgres.ts';
import { migrate } from '../../src/clients/migrations.ts';
import { decided, operator } from '../support/callers.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { migrations } from '../system/shop.ts';

let database: Database;
let gateway: Gateway;
beforeAll(async () => {
  database = await seedDatabase();
  await migrate({ url: database.url, folder: migrations });
  gateway = await startGateway({ database, authentication: decided(() => operator) });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database.drop();
});

const example = (url: string) => promisify(execFile)(process.execPath, ['demo/client/example.ts'], { env: { ...process.env, GATEWAY_URL: url } });

test('the example asks in all ways that there are, and says what came', async () => {
  const { stdout } = await example(gateway.url);
  expect(stdout).toMatch(/the whole answer\n {2}\S.*, 2 recommendations, \d+ events\n/);
  expect(stdout).toContain('Asked again with its ETag: 304');
  expect(stdout).toMatch(/ {2}recommendations: live, 2 of them\n[^]* {2}complete\n/);
  expect(stdout).toMatch(/ {2}400 invalid_input: user_id: expected .* \(trace [0-9a-f]{32}\)/);
  expect(stdout).toMatch(/added: Moka pot at \/api\/v1\/products\/.*\n.*listed.*Moka pot\n.*costs 19\.9\n {2}412 precondition_failed.*\n.*taken away: 204\n/);
});

test('without a service it says where it looked', async () => {
  await expect(example('http://127.0.0.1:9')).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^expected the service at http:\/\/127\.0\.0\.1:9, but it does not answer \(.*\): `npm run dev` starts it/) as string });
});
