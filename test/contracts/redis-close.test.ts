import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchLeaks } from '../support/leaks.ts';
import { type RedisGroup, type RedisServer, startCluster, startRedis, startSentinel } from '../support/redis.ts';
import { startRelay } from '../support/relay.ts';
import { closedPort } from '../support/upstream.ts';
import { connectImpatient, type Connected, Ear } from './redis-client.ts';

let own: RedisServer;
let groups: RedisGroup[];

beforeAll(async () => {
  own = await startRedis();
  groups = await Promise.all([startCluster(), startSentinel()]);
});
afterAll(async () => {
  await own[Symbol.asyncDispose]();
  await Promise.all((groups ?? []).map((group) => group[Symbol.asyncDispose]()));
});

/** Asks for all there is, and closes while it is under way. */
async function askAndClose(tier: Connected): Promise<void> {
  const underWay = [tier.read('key', ['tag'], { token: 'mine', ms: 1_000, unlessLeftMs: 0 }), tier.invalidate(['tag'], 'token')];
  tier.put('key', 'text', 1_000);
  tier.release('key', 'mine');
  tier.drop('key');
  await tier.close();
  await Promise.all(underWay);
  expect(tier.ready).toBe(false);
  expect(await tier.read('key', [])).toBeUndefined();
  expect(await tier.invalidate(['tag'], 'token')).toBe(false);
  tier.put('key', 'text', 1_000);
}

test.each([
  ['one server', () => own.url],
  ['a cluster', () => groups[0]?.url ?? ''],
  ['a server behind a sentinel', () => groups[1]?.url ?? ''],
] as const)('closing a tier of %s leaves nothing behind, whether it answers already or not', async (_, url) => {
  const leaks = watchLeaks();
  const tier = connectImpatient(url());
  const ear = new Ear();
  tier.listen(ear);
  await Promise.all([tier.answers(), ear.hears(1)]);
  await askAndClose(tier);
  const early = connectImpatient(url());
  early.listen(new Ear());
  await askAndClose(early);
  // Hanging up is not a loss to tell of.
  expect(ear.heard).toEqual(['back']);
  expect(early.troubles).toEqual([]);
  await leaks.assertNone();
});

test('closing does not wait for a frozen Redis', async () => {
  const leaks = watchLeaks();
  const tier = connectImpatient(own.url);
  const ear = new Ear();
  tier.listen(ear);
  await Promise.all([tier.answers(), ear.hears(1)]);
  own.freeze();
  try {
    await tier.read('key', []);
    expect(tier.ready).toBe(false);
    await askAndClose(tier);
    const never = connectImpatient(own.url);
    never.listen(new Ear());
    await never.told();
    await askAndClose(never);
  } finally {
    own.thaw();
  }
  await leaks.assertNone();
});

test.each(['redis', 'redis+cluster', 'redis+sentinel'])('closing a %s that is not there leaves nothing behind', async (scheme) => {
  const leaks = watchLeaks();
  const tier = connectImpatient(`${scheme}://127.0.0.1:${await closedPort()}${scheme === 'redis+sentinel' ? '/main' : ''}`);
  tier.listen(new Ear());
  await tier.told();
  await askAndClose(tier);
  await leaks.assertNone();
});

test.each(['redis', 'redis+cluster', 'redis+sentinel'])('closing a %s that accepts and never answers leaves nothing behind', async (scheme) => {
  const leaks = watchLeaks();
  {
    await using relay = await startRelay(own.url);
    relay.welcome('swallow');
    const tier = connectImpatient(relay.url.replace('redis:', `${scheme}:`) + (scheme === 'redis+sentinel' ? '/main' : ''));
    tier.listen(new Ear());
    await relay.accepted(1);
    await askAndClose(tier);
  }
  await leaks.assertNone();
});
