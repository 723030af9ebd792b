import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import type { Postgres } from '../../demo/postgres.ts';
import { startCall } from '../../src/core/call.ts';
import { failing, internals } from '../support/failing.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';
import { closedPort } from '../support/upstream.ts';
import { backend, connectPostgres, sleeping, statement } from './postgres-client.ts';

let own: Postgres;

beforeAll(async () => { own = await startOwnPostgres(); });
// Whatever a test has done to it, the next one finds it running.
afterEach(async () => { await own.up(); });
afterAll(async () => { await own.stop(); });

test.each(['fast', 'immediate'] as const)('a %s restart of Postgres fails the queries under way, and later ones work', async (mode) => {
  await using postgres = connectPostgres(own.url, { poolSize: 3 });
  await Promise.all([1, 2, 3].map(() => postgres.value('select pg_sleep(0.01)')));
  using call = startCall(30_000);
  const failed = failing(postgres.rows(sleeping, [], call));
  await waitUntilBusy(own.url);
  await own.down(mode);
  const failure = await failed;
  expect(failure).toMatchObject({ code: 'source_failed', message: 'a query of the user database failed' });
  // The two idle connections; the one with a query under way told it by the query.
  await until(() => postgres.lost.length === 2, () => `expected to be told of two lost connections, but got ${postgres.lost.length}`);
  expect(await failing(postgres.rows(statement('select 1'), [], call))).toMatchObject({ code: 'source_failed', message: 'the user database could not be reached' });
  await own.up();
  expect(await postgres.value('select 2::text')).toBe('2');
  expect(postgres.lost).toHaveLength(2);
});

test('an idle connection whose backend is killed is replaced before anybody uses it', async () => {
  await using postgres = connectPostgres(own.url);
  const before = await postgres.value(backend);
  await query(own.url, 'select pg_terminate_backend($1, 5000)', [before]);
  await until(() => postgres.lost.length === 1, () => 'expected to be told of the lost connection');
  const after = await postgres.value(backend);
  expect(after).toMatch(/^\d+$/);
  expect(after).not.toBe(before);
});

test('a query whose backend is killed is a failed source, and the next one has a new connection', async () => {
  await using postgres = connectPostgres(own.url);
  const before = await postgres.value(backend);
  using call = startCall(30_000);
  const failed = failing(postgres.rows(sleeping, [], call));
  await waitUntilBusy(own.url);
  await query(own.url, 'select pg_terminate_backend($1, 5000)', [before]);
  const failure = await failed;
  expect(failure).toMatchObject({ code: 'source_failed', cause: { code: '57P01' } });
  expect(failure.message).not.toMatch(internals);
  expect(await postgres.value(backend)).not.toBe(before);
  await waitUntilIdle(own.url);
});

test('a query that an administrator cancels is given up, and its connection goes on', async () => {
  await using postgres = connectPostgres(own.url);
  const before = await postgres.value(backend);
  using call = startCall(30_000);
  const failed = failing(postgres.rows(sleeping, [], call));
  await waitUntilBusy(own.url);
  await query(own.url, 'select pg_cancel_backend($1)', [before]);
  expect(await failed).toMatchObject({ code: 'deadline_exceeded', message: 'the user database gave up on a query' });
  expect(await postgres.value(backend)).toBe(before);
});

const at = (change: Partial<Record<'hostname' | 'port' | 'username' | 'password' | 'pathname', string>>) =>
  Object.assign(new URL(inject('postgresUrl')), change).href;

test.each([
  ['with the wrong password', () => at({ password: 'wrong' }), '28P01'],
  ['as nobody', () => at({ username: 'nobody' }), '28P01'],
  ['with a database that is not there', () => at({ pathname: '/nothing' }), '3D000'],
  ['where nobody listens', async () => at({ port: String(await closedPort()) }), 'ECONNREFUSED'],
] as const)('connecting %s is a failed source that leaks nothing', async (_, url, cause) => {
  const leaks = watchLeaks();
  {
    await using postgres = connectPostgres(await url());
    using call = startCall(5_000);
    for (const _time of ['first', 'second']) {
      const failure = await failing(postgres.rows(statement('select 1'), [], call));
      expect(failure).toMatchObject({ code: 'source_failed', message: 'the user database could not be reached', cause: { code: cause } });
      expect(failure.message).not.toMatch(internals);
      expect(await failing(postgres.check(call))).toMatchObject({ code: 'source_failed' });
    }
  }
  await leaks.assertNone();
});

test.each([
  ['never answers', 'swallow'],
  ['is no Postgres', { say: 'HTTP/1.1 400 Bad Request\r\n\r\n' }],
  ['hangs up', { say: '' }],
] as const)('connecting to what %s is a failed source within the wait for a connection', async (_, welcome) => {
  const leaks = watchLeaks();
  {
    await using relay = await startRelay(own.url);
    relay.welcome(welcome);
    await using postgres = connectPostgres(relay.url, { poolWaitMs: 500 });
    using call = startCall(5_000);
    const failure = await failing(postgres.rows(statement('select 1'), [], call));
    expect(failure).toMatchObject({ code: 'source_failed', message: 'the user database could not be reached' });
    relay.welcome('pass on');
    expect(await postgres.value('select 2::text')).toBe('2');
  }
  await leaks.assertNone();
});
