import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Postgres } from '../../demo/postgres.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { query, waitUntilDisconnected } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { bounded, until } from '../support/until.ts';
import { closedPort } from '../support/upstream.ts';
import { announce, listenTo } from './notices-client.ts';

let own: Postgres;

beforeAll(async () => {
  own = await startOwnPostgres();
  await query(own.url, 'create table users (id integer primary key)');
  await announce(own.url, ['users.id']);
});
// Whatever a test has done to it, the next one finds it running.
afterEach(async () => { await own.up(); });
afterAll(async () => { await own.stop(); });

/** Short enough for a test that waits for it, long enough for a machine that is busy: connecting has the same time. */
const pulse = { everyMs: 20, limitMs: 1_500 };

const applicationName = 'tributary-notices';
const change = 'delete from users; insert into users values (7)';
const backends = () => query(own.url, 'select pid from pg_stat_activity where application_name = $1', [applicationName]);

test('a change is heard of with the transaction that made it', async () => {
  await using ear = listenTo(own.url);
  expect(await ear.heard).toBe(true);
  expect(ear.listening).toBe(true);
  const [notice] = await ear.hears('with change as (insert into users values (1) returning id) select id from change');
  const [row] = await query(own.url, `select xmin::text as xid from users where id = 1`);
  expect(notice).toEqual({ tag: 'users:1', token: expect.stringMatching(new RegExp(`^${String(row?.['xid'])}-\\d{16}$`)) as string });
  expect(ear.told).toEqual([]);
  expect(await backends()).toHaveLength(1);
});

test('what others say on the channel, or on another, is not ours', async () => {
  await using ear = listenTo(own.url);
  expect(await ear.hears(`notify tributary_gone; notify tributary_gone, 'hello'; notify tributary_gone, 'users:1'; notify other, 'users:1 1-2'`)).toEqual([]);
});

test('a connection that is ended is lost once, back once, and hears again', async () => {
  await using ear = listenTo(own.url);
  await ear.heard;
  for (const times of [1, 2]) {
    for (const { pid } of await backends()) await query(own.url, 'select pg_terminate_backend($1, 5000)', [pid]);
    await ear.until(() => ear.told.length === 3 * times);
    expect(ear.told.slice(-3)).toEqual(['lost', 'trouble', 'back']);
    expect(await ear.tags(change)).toContain('users:7');
  }
  expect(ear.troubles[0]).toMatchObject({ message: 'changes in the user database are not heard of', cause: { code: '57P01' } });
});

test.each(['fast', 'immediate'] as const)('a %s restart is one loss, however many tries it takes, and one return', async (mode) => {
  await using ear = listenTo(own.url);
  await ear.heard;
  await own.down(mode);
  await ear.until(() => ear.told.length === 2);
  expect(ear.listening).toBe(false);
  // Three tries in vain, at least.
  await using relay = await startRelay(own.url);
  await using deaf = listenTo(relay.url);
  await relay.accepted(3);
  expect(deaf.told).toEqual(['trouble']);
  await own.up();
  await ear.until(() => ear.told.length === 3);
  expect(ear.told).toEqual(['lost', 'trouble', 'back']);
  expect(ear.listening).toBe(true);
  expect(await deaf.heard).toBe(true);
  expect(await ear.tags(change)).toContain('users:7');
  expect(deaf.told).toEqual(['trouble']);
});

test('a network that is pulled, which closes nothing, is noticed, and another connection made', async () => {
  await using relay = await startRelay(own.url);
  await using ear = listenTo(relay.url, { pulse }, own.url);
  await ear.heard;
  relay.silence();
  await ear.until(() => ear.told.length === 3);
  expect(ear.told).toEqual(['lost', 'trouble', 'back']);
  expect(ear.troubles[0]).toMatchObject({ cause: { message: 'expected an answer within 1500 ms, but got none' } });
  expect(await ear.tags(change)).toContain('users:7');
});

test('a server that takes a connection and then says nothing is given up', async () => {
  await using relay = await startRelay(own.url);
  relay.welcome('swallow');
  await using ear = listenTo(relay.url, { pulse }, own.url);
  await relay.accepted(1);
  relay.welcome('pass on');
  expect(await ear.heard).toBe(true);
  expect(ear.told).toEqual(['trouble']);
});

test('a process that stood still does not take itself for a dead network', async () => {
  await using ear = listenTo(own.url, { pulse: { everyMs: 0, limitMs: 500 } });
  await ear.heard;
  for (let times = 0; times < 5; times++) {
    // Nothing is read meanwhile, and every limit is over afterwards.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    await ear.tags('select 1');
  }
  expect(ear.told).toEqual([]);
});

test('an answer that has to wait behind very many notices is no silence', async () => {
  const last = Promise.withResolvers<void>();
  let turns = 0;
  // All of them together take four times the time that an answer has: few, so that on no machine their reading takes longer than that,
  // and long, since of what is there already Node reads two megabytes before it looks at a timer.
  const onGone = (tag: string) => {
    for (const end = performance.now() + 0.1; performance.now() < end;) turns += 1;
    if (tag === `users:${'20000'.padStart(800, '0')}`) last.resolve();
  };
  await using ear = listenTo(own.url, { pulse: { everyMs: 0, limitMs: 500 }, onGone });
  await ear.heard;
  await query(own.url, `select pg_notify('tributary_gone', 'users:' || lpad(n::text, 800, '0') || ' 1-2') from generate_series(1, 20000) as n`);
  await bounded(last.promise, () => `expected all notices, but was told ${JSON.stringify(ear.told)}`);
  expect(turns).toBeGreaterThan(0);
  expect(ear.told).toEqual([]);
});

test.each([
  ['where nobody listens', async () => `postgres://a:secret@127.0.0.1:${await closedPort()}/b`, { code: 'ECONNREFUSED' }],
  ['with the wrong password', () => Object.assign(new URL(own.url), { password: 'secret' }).href, { code: '28P01' }],
  ['with a URL that is none', () => 'postgres://a:secret@[/b', {}],
  ['with a certificate that is not there', () => `${own.url}?sslrootcert=/nowhere`, { code: 'ENOENT' }],
])('%s there is trouble, told once, and nothing lost', async (_, url, cause) => {
  const leaks = watchLeaks();
  {
    await using ear = listenTo(await url());
    await ear.until(() => ear.told.length === 1);
    expect(ear.told).toEqual(['trouble']);
    expect(ear.troubles[0]).toMatchObject({ message: 'changes in the user database are not heard of', cause });
    expect(ear.listening).toBe(false);
    await ear.close();
    expect(await ear.heard).toBe(false);
  }
  await leaks.assertNone();
});

describe('closing leaves nothing, and tells nothing,', () => {
  test('while it listens', async () => {
    const leaks = watchLeaks();
    const ear = listenTo(own.url);
    await ear.heard;
    const closing = ear.close();
    expect(ear.listening).toBe(false);
    await Promise.all([closing, ear.close()]);
    expect(ear.told).toEqual([]);
    await leaks.assertNone();
    await waitUntilDisconnected(own.url, { applicationName });
  });

  test('while a heartbeat is under way', async () => {
    const leaks = watchLeaks();
    const ear = listenTo(own.url, { pulse: { everyMs: 0, limitMs: 5_000 } });
    await ear.heard;
    await ear.tags('select 1');
    await ear.close();
    expect(ear.told).toEqual([]);
    await leaks.assertNone();
  });

  test('at once, before it has begun', async () => {
    const leaks = watchLeaks();
    const ear = listenTo(own.url);
    await ear.close();
    expect(await ear.heard).toBe(false);
    expect(ear.told).toEqual([]);
    await leaks.assertNone();
    await waitUntilDisconnected(own.url, { applicationName });
  });

  test('while it connects to what never answers', async () => {
    const leaks = watchLeaks();
    {
      await using relay = await startRelay(own.url);
      relay.welcome('swallow');
      const ear = listenTo(relay.url);
      await until(() => relay.openings.length === 1, () => 'expected it to have said something');
      await ear.close();
      expect(ear.told).toEqual([]);
    }
    await leaks.assertNone();
  });

  test('while the network is pulled', async () => {
    const leaks = watchLeaks();
    {
      await using relay = await startRelay(own.url);
      const ear = listenTo(relay.url, {}, own.url);
      await ear.heard;
      relay.silence();
      await ear.close();
      expect(ear.told).toEqual([]);
    }
    await leaks.assertNone();
  });

  test('between two tries, and out of what it tells', async () => {
    const leaks = watchLeaks();
    {
      const ear = listenTo(own.url);
      await ear.heard;
      let closing: Promise<void> | undefined;
      const other = listenTo(own.url, { onLost: () => { closing = other.close(); } });
      await other.heard;
      await own.down();
      await ear.until(() => ear.told.length === 2);
      await ear.close();
      await until(() => closing !== undefined, () => 'expected the loss to be told');
      await closing;
      expect([ear.told, other.told]).toEqual([['lost', 'trouble'], []]);
    }
    await leaks.assertNone();
    await own.up();
    expect(await backends()).toEqual([]);
  });
});
