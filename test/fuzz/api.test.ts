// Requests that schemathesis invents from the service's own description, valid ones and broken ones: none is answered in a way
// that the description does not know, and none with a 500.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/clients/migrations.ts';
import { Failure } from '../../src/core/failure.ts';
import { decided, operator } from '../support/callers.ts';
import { json } from '../support/answers.ts';
import { type Database, query } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { migrations } from '../system/shop.ts';
import { schemathesis } from './schemathesis.ts';

/** How many requests are invented for each operation and phase; `FUZZ_EXAMPLES=10000` goes further. */
const examples = process.env['FUZZ_EXAMPLES'] ?? '200';

const tool = await schemathesis();
if ('missing' in tool) process.stderr.write(`The API is not fuzzed: ${tool.missing}\n`);

/** One token is good, so that the tool can also find out what comes of others. */
const authentication = decided((authorization) => {
  if (authorization === 'Bearer good') return operator;
  throw new Failure('unauthenticated', 'no such token');
});

let database: Database;
let gateway: Gateway;
let model: Upstream;
beforeAll(async () => {
  database = await seedDatabase();
  await migrate({ url: database.url, folder: migrations });
  await query(database.url, 'create table reviews (id integer primary key, product_id uuid not null, rating smallint not null, text text not null, created_at timestamptz not null)');
  model = await startUpstream();
  model.answer(json({ sentiment: 'POSITIVE', confidence: 0.9, model: 'fuzzed' }));
  gateway = await startGateway({ database, docs: true, authentication, sentimentUrl: model.url });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await model.stop();
  await database.drop();
});

test.runIf('command' in tool)('whatever is sent, the answer is one that the description knows', { timeout: 600_000 }, async () => {
  const command = (tool as { readonly command: string }).command;
  const args = ['--config-file', fileURLToPath(new URL('schemathesis.toml', import.meta.url)), 'run', `${gateway.url}/openapi.json`, '--url', gateway.url, '--header', 'Authorization: Bearer good', '--checks', 'all', '--phases', 'examples,coverage,fuzzing', '--max-examples', examples, '--request-timeout', '5', '--workers', '1', '--no-color'];
  // It keeps what it has found where it runs; each run is to find it anew.
  const folder = await mkdtemp(join(tmpdir(), 'tributary-fuzz-'));
  const { code, said } = await new Promise<{ code: number; said: string }>((resolve) => {
    execFile(command, args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, said: `${stdout}${stderr}` });
    });
  });
  await rm(folder, { recursive: true });
  expect(code, said).toBe(0);
  expect(gateway.log.filter(({ msg }) => msg === 'request').length, 'requests that came').toBeGreaterThan(Math.min(100, Number(examples)));
});
