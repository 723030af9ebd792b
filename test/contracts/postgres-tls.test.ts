import { chown, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Postgres } from '../../demo/postgres.ts';
import { startCall } from '../../src/core/call.ts';
import { selfSigned } from '../support/certificate.ts';
import { failing, internals } from '../support/failing.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { query, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { eventually } from '../support/redis.ts';
import { startRelay } from '../support/relay.ts';
import { backend, connectPostgres, gone, sleeping, statement } from './postgres-client.ts';

let own: Postgres;

beforeAll(async () => {
  own = await startOwnPostgres();
  const { certificate, key } = selfSigned();
  const { uid, gid } = await stat(own.data);
  for (const [name, text] of [['server.crt', certificate], ['server.key', key]] as const) {
    const file = join(own.data, name);
    await writeFile(file, text, { mode: 0o600 });
    await chown(file, uid, gid);
  }
  await query(own.url, 'alter system set ssl = on');
  await query(own.url, 'select pg_reload_conf()');
  // The server reads it when it comes to it, and each connection has what there was when it was made.
  await eventually(async () => (await query(own.url, 'show ssl'))[0]?.['ssl'] === 'on', () => 'expected TLS to be on');
});
afterAll(async () => { await own.stop(); });

/** Encrypted, the server proven to be ours. */
const verified = (url: string) => `${url}?sslmode=verify-full&sslrootcert=${join(own.data, 'server.crt')}`;

const sslRequest = '0000000804d2162f';

test('a connection is encrypted where its URL asks for it', async () => {
  await using postgres = connectPostgres(verified(own.url));
  expect(await postgres.value('select ssl::text from pg_stat_ssl where pid = pg_backend_pid()')).toBe('true');
});

test.each(['127.0.0.1', 'localhost'])('a query over TLS to %s is cancelled over TLS, and its connection goes on', async (host) => {
  await using relay = await startRelay(own.url);
  await using postgres = connectPostgres(verified(relay.url.replace('127.0.0.1', host)));
  const before = await postgres.value(backend);
  using call = startCall(30_000);
  const failed = failing(postgres.rows(sleeping, [], call));
  await waitUntilBusy(own.url);
  call.stop(gone);
  expect(await failed).toBe(gone);
  await waitUntilIdle(own.url);
  expect(await postgres.value(backend)).toBe(before);
  expect(relay.openings.map((bytes) => bytes.toString('hex'))).toEqual([sslRequest, sslRequest]);
});

test('the key to cancel with never travels in the clear, even if the server will have no TLS for it', async () => {
  await using relay = await startRelay(own.url);
  await using postgres = connectPostgres(verified(relay.url));
  using call = startCall(30_000);
  const failed = failing(postgres.rows(sleeping, [], call));
  await waitUntilBusy(own.url);
  relay.welcome({ say: 'N' });
  call.stop(gone);
  expect(await failed).toBe(gone);
  expect(relay.openings.map((bytes) => bytes.toString('hex'))).toEqual([sslRequest, sslRequest]);
  relay.welcome('pass on');
  expect(await postgres.value('select 2::text')).toBe('2');
  await waitUntilIdle(own.url);
});

test('a query over a Unix socket is cancelled over one', async () => {
  await using local = await startOwnPostgres({ unix_socket_directories: tmpdir() });
  const { username, password } = new URL(local.url);
  await using postgres = connectPostgres(`postgres://${username}:${password}@${encodeURIComponent(tmpdir())}:${local.port}/postgres`);
  expect(await postgres.value('select inet_server_addr()::text')).toBeNull();
  const before = await postgres.value(backend);
  using call = startCall(30_000);
  const failed = failing(postgres.rows(sleeping, [], call));
  await waitUntilBusy(local.url);
  call.stop(gone);
  expect(await failed).toBe(gone);
  await waitUntilIdle(local.url);
  expect(await postgres.value(backend)).toBe(before);
});

test('a server that has no TLS is not talked to without', async () => {
  await using postgres = connectPostgres(verified(inject('postgresUrl')));
  using call = startCall(5_000);
  const failure = await failing(postgres.rows(statement('select 1'), [], call));
  expect(failure).toMatchObject({ code: 'source_failed', message: 'the user database could not be reached' });
});

test('a server that cannot prove who it is is not talked to', async () => {
  await using postgres = connectPostgres(`${own.url}?sslmode=verify-full`);
  using call = startCall(5_000);
  const failure = await failing(postgres.rows(statement('select 1'), [], call));
  expect(failure).toMatchObject({ code: 'source_failed', cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  expect(failure.message).not.toMatch(internals);
});
