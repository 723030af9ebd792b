import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Postgres } from '../../demo/postgres.ts';
import { startCall } from '../../src/core/call.ts';
import { failing, internals } from '../support/failing.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';
import { announce, listenTo } from './notices-client.ts';
import { connectPostgres, sleeping, statement } from './postgres-client.ts';

/** A standby, and the server that takes writes. The standby is for ever behind: it has nobody to follow. */
let standby: Postgres;
let primary: Postgres;

beforeAll(async () => {
  [standby, primary] = await Promise.all([startOwnPostgres(), startOwnPostgres()]);
  // One password for both, since a URL has one.
  await query(standby.url, `alter role ${new URL(primary.url).username} password '${new URL(primary.url).password}'`);
  await standby.down();
  await writeFile(join(standby.data, 'standby.signal'), '');
  await standby.up();
});
// Whatever a test has done to them, the next one finds both running.
afterEach(async () => { await Promise.all([standby.up(), primary.up()]); });
afterAll(() => Promise.all([standby.stop(), primary.stop()]));

/** Both servers, by their ports, in this order. */
function both(first: number, second: number, parameters = ''): string {
  const { username, password } = new URL(primary.url);
  return `postgres://${username}:${password}@127.0.0.1:${first},127.0.0.1:${second}/postgres${parameters}`;
}

const port = 'select inet_server_port()::text';

test('the first server is asked as long as it is there, and the next one while it is down', async () => {
  const leaks = watchLeaks();
  {
    await using postgres = connectPostgres(both(standby.port, primary.port), { poolSize: 2 });
    expect(await postgres.value(port)).toBe(String(standby.port));
    await standby.down('immediate');
    // Its connection ended with it; until this process has read that, whoever is given it would be asking a server that is gone.
    await until(() => postgres.lost.length === 1, () => 'expected to be told of the lost connection');
    expect(await Promise.all([postgres.value(port), postgres.value(port)])).toEqual([String(primary.port), String(primary.port)]);
  }
  {
    await using postgres = connectPostgres(both(standby.port, primary.port));
    expect(await postgres.value(port)).toBe(String(primary.port));
  }
  await leaks.assertNone();
});

test('where all are down it is a failed source, and whichever comes back is found', async () => {
  await Promise.all([standby.down(), primary.down()]);
  await using postgres = connectPostgres(both(standby.port, primary.port));
  using call = startCall(10_000);
  const failure = await failing(postgres.rows(statement('select 1'), [], call));
  expect(failure).toMatchObject({ code: 'source_failed', message: 'the user database could not be reached', cause: { code: 'ECONNREFUSED' } });
  expect(failure.message).not.toMatch(internals);
  await primary.up();
  expect(await postgres.value(port)).toBe(String(primary.port));
});

test('a server that takes connections and says nothing has its share of the wait, once', async () => {
  await using relay = await startRelay(standby.url);
  relay.welcome('swallow');
  await using postgres = connectPostgres(both(Number(new URL(relay.url).port), primary.port), { poolWaitMs: 1_000, poolSize: 3 });
  expect(await postgres.value(port)).toBe(String(primary.port));
  await relay.accepted(1);
  // More connections at the same time than there are: nobody tries the silent one again.
  expect(await Promise.all([1, 2, 3].map(() => postgres.value(`select inet_server_port()::text from pg_sleep(0.05)`)))).toEqual([1, 2, 3].map(() => String(primary.port)));
  expect(relay.came).toBe(1);
});

test.each([
  ['any', 'standby'], ['read-write', 'primary'], ['primary', 'primary'], ['read-only', 'standby'], ['standby', 'standby'], ['prefer-standby', 'standby'],
] as const)('target_session_attrs=%s finds the %s, whichever comes first', async (wanted, which) => {
  const expected = String((which === 'primary' ? primary : standby).port);
  const orders = wanted === 'any' ? [[standby.port, primary.port]] : [[standby.port, primary.port], [primary.port, standby.port]];
  for (const [first, second] of orders) {
    await using postgres = connectPostgres(both(first!, second!, `?target_session_attrs=${wanted}`));
    expect(await postgres.value(port)).toBe(expected);
  }
});

test('who prefers a standby has the other where there is none', async () => {
  await standby.down();
  await using postgres = connectPostgres(both(primary.port, standby.port, '?target_session_attrs=prefer-standby'));
  expect(await postgres.value(port)).toBe(String(primary.port));
});

test('where no server is of the wanted kind it is a failed source, whose cause says what was expected', async () => {
  const leaks = watchLeaks();
  {
    await primary.down();
    await using postgres = connectPostgres(both(standby.port, primary.port, '?target_session_attrs=read-write'));
    using call = startCall(10_000);
    expect(await failing(postgres.rows(statement('select 1'), [], call))).toMatchObject({ code: 'source_failed' });
    await using single = connectPostgres(`${standby.url.replace(/:[^:@]*@/, `:${new URL(primary.url).password}@`)}?target_session_attrs=read-write`);
    expect(await failing(single.rows(statement('select 1'), [], call))).toMatchObject({
      code: 'source_failed', cause: { message: `expected a server that is read-write (target_session_attrs), but 127.0.0.1:${standby.port} is not` },
    });
  }
  await leaks.assertNone();
});

test('a wrong password is wrong everywhere: the next server is not asked', async () => {
  await using relay = await startRelay(primary.url);
  await using postgres = connectPostgres(both(standby.port, Number(new URL(relay.url).port)).replace(/:[^:@]*@/, ':wrong@'));
  using call = startCall(10_000);
  expect(await failing(postgres.rows(statement('select 1'), [], call))).toMatchObject({ code: 'source_failed', cause: { code: '28P01' } });
  expect(relay.came).toBe(0);
});

test('a query is cancelled where it runs', async () => {
  await using postgres = connectPostgres(both(standby.port, primary.port, '?target_session_attrs=read-write'));
  using call = startCall(30_000);
  const failed = failing(postgres.rows(sleeping, [], call));
  await waitUntilBusy(primary.url);
  call.end();
  expect(await failed).toMatchObject({ code: 'call_over' });
  await waitUntilIdle(primary.url);
});

test('changes are heard of from the primary, and made known there, whichever server is asked else', async () => {
  const url = both(standby.port, primary.port);
  await query(primary.url, 'create table users (id int primary key)');
  await announce(url, ['users.id']);
  await using ear = listenTo(url, {}, primary.url);
  expect(await ear.heard).toBe(true);
  expect(await ear.tags('insert into users values (1)')).toEqual(['users:1']);
  expect(ear.told).toEqual([]);
});
