// Row 5. A query is slow, or waits for a lock: its request is answered by the deadline, and its backend is free soon after.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, lockTable, query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a query waited for a lock', 'a query slept', 'a required part was late', 'an optional part was late');

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(() => database.drop());

/** From now on who reads the table of users waits for a minute, until this is disposed of. */
async function slowUsers(): Promise<AsyncDisposable> {
  await query(database.url, 'alter table users rename to people');
  await query(database.url, 'create view users as with slow as materialized (select pg_sleep(60)) select id, data from people, slow');
  return {
    async [Symbol.asyncDispose]() {
      await query(database.url, 'drop view users');
      await query(database.url, 'alter table people rename to users');
    },
  };
}

test.each([
  ['that waits for a lock', 'users', () => lockTable(database.url, 'users')],
  ['that sleeps', 'users', slowUsers],
  ['of an optional part', 'analytics', () => lockTable(database.url, 'analytics')],
] as const)('a query %s is answered for by the deadline, and ends in Postgres too', async (what, table, slow) => {
  // What the server ends by itself comes far later than the deadline and this test.
  await using gateway = await startGateway({ database, statementTimeoutMs: 60_000 });
  await gateway.ask(1);
  {
    await using _ = await slow();
    const answered = gateway.ask(1);
    const [busy] = await waitUntilBusy(database.url);
    saw('a query waited for a lock', busy?.waitsFor === 'Lock');
    saw('a query slept', busy?.waitsFor === 'Timeout');
    // In time far below all other limits of a query.
    const reply = await answered;
    if (table === 'users') expect(reply.json).toMatchObject({ status: 504, code: 'deadline_exceeded', part: 'user_data' });
    else expect(reply.json).toMatchObject({ user_data: { name: 'User 1' }, analytics: {}, errors: [{ part: 'analytics', code: 'deadline_exceeded' }] });
    saw(table === 'users' ? 'a required part was late' : 'an optional part was late');
    // Its sleep, or its lock, would have lasted for far longer.
    await waitUntilIdle(database.url, { applicationName: 'tributary' });
  }
  expectComplete([await gateway.ask(1)]);
});
