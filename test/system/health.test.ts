import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeClients, createClients } from '../../src/clients/clients.ts';
import { type Call, startCall } from '../../src/core/call.ts';
import { createHealth } from '../../src/http/health.ts';
import { hang } from '../support/answers.ts';
import { type Database, lockTable } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { startUpstream } from '../support/upstream.ts';
import { bounded } from '../support/until.ts';
import { seedDatabase } from './gateway.ts';

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

/** So that a check has only to ask: on a busy machine connecting may take its time. */
async function connected(client: { check(call: Call): Promise<void> }): Promise<void> {
  using call = startCall(10_000);
  await client.check(call);
}

test('dependencies that say nothing are waited for half a second, whatever queries may wait', async () => {
  await using relay = await startRelay(database.url);
  await using upstream = await startUpstream();
  upstream.answer(hang);
  const clients = createClients({
    databaseUrl: relay.url, analyticsUrl: database.url, recommendationsUrl: upstream.url, poolSize: 1, poolWaitMs: 10_000, statementTimeoutMs: 10_000,
  }, () => undefined);
  await connected(clients.analytics);
  relay.welcome('swallow');
  const health = createHealth(clients, { started: () => true, draining: () => false, shedding: () => false });
  const asked = Promise.resolve(health.request('/readyz?verbose'));
  try {
    const reply = await bounded(asked, () => 'expected a reply');
    expect([reply.status, await reply.text()]).toEqual([200, [
      '[+] listening ok', '[+] not draining ok', '[+] not shedding ok', '[-] postgres degraded: no answer within 500 ms', '[+] analytics ok',
      '[-] recommender degraded: no answer within 500 ms', 'readyz check passed', '',
    ].join('\n')]);
    await upstream.allClosed();
  } finally {
    await relay[Symbol.asyncDispose]();
    await closeClients(clients);
  }
});

test('a table that is locked makes no dependency look ill', async () => {
  await using upstream = await startUpstream();
  await using _lock = await lockTable(database.url, 'users');
  const clients = createClients({
    databaseUrl: database.url, analyticsUrl: database.url, recommendationsUrl: upstream.url, poolSize: 1, poolWaitMs: 5_000, statementTimeoutMs: 10_000,
  }, () => undefined);
  await Promise.all([connected(clients.postgres), connected(clients.analytics)]);
  const health = createHealth(clients, { started: () => true, draining: () => true, shedding: () => false });
  const reply = await health.request('/readyz?verbose');
  expect([reply.status, await reply.text()]).toEqual([503, [
    '[+] listening ok', '[-] not draining failed', '[+] not shedding ok', '[+] postgres ok', '[+] analytics ok', '[+] recommender ok', 'readyz check failed', '',
  ].join('\n')]);
  await closeClients(clients);
});
