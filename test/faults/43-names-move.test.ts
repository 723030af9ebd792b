// Row 43. The name of an upstream is not found, or not answered for, or moves to another address: connecting is bounded and
// costs the part alone, and the new address is used as soon as a connection is made.
//
// A connection that lives stays where it is: undici resolves a name when it connects, and not again. So a move is followed
// when the old address closes its connections, as whatever moves in order does. What resolves names here is the test, in
// place of Node's own `dns.lookup`, which asks the machine's resolver.
import dns, { type LookupOptions } from 'node:dns';
import { platform } from 'node:os';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { json } from '../support/answers.ts';
import { internals } from '../support/failing.ts';
import { watchLeaks } from '../support/leaks.ts';
import { type Database, waitUntilDisconnected } from '../support/postgres.ts';
import { eventually } from '../support/redis.ts';
import { closedPort, startUpstream } from '../support/upstream.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('the name was not found', 'nobody answered for the name', 'the name moved', 'a connection stayed where it was', 'the new address was asked');

const name = 'recommender.test';
/** Another address of this machine; macOS has no 127.0.0.2. */
const elsewhere = platform() === 'linux' ? '127.0.0.2' : '::1';

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(() => database.drop());

type Resolve = (error: Error | null, address?: string) => void;
type LookedUp = (error: Error | null, address?: unknown, family?: number) => void;

/** From now on the name of the upstream is resolved by `how`; how often that was asked. */
function resolving(how: (resolve: Resolve) => void): { readonly asked: number } {
  let asked = 0;
  const real = dns.lookup;
  vi.spyOn(dns, 'lookup').mockImplementation(((host: string, options: LookupOptions, done: LookedUp) => {
    if (host !== name) {
      real(host, options, done);
      return;
    }
    asked += 1;
    how((error, address = '') => {
      const family = address.includes(':') ? 6 : 4;
      process.nextTick(() => { done(error, options.all ? [{ address, family }] : address, family); });
    });
  }) as typeof dns.lookup);
  return { get asked() { return asked; } };
}

test.each([
  ['is not found', 'the name was not found', (resolve: Resolve) => { resolve(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' })); }],
  ['nobody answers for', 'nobody answered for the name', () => undefined],
] as const)('an upstream whose name %s costs its part alone, and long before the deadline', async (_, fact, how) => {
  const leaks = watchLeaks();
  {
    // What ends the wait is the bound of connecting: the deadline is far beyond the patience of this test.
    await using gateway = await startGateway({ database, recommendationsUrl: `http://${name}:${await closedPort()}`, deadline: '1m' });
    const resolver = resolving(how);
    for (let turn = 0; turn < 2; turn++) {
      const reply = await gateway.ask(1);
      expect([reply.status, reply.json]).toEqual([200, {
        user_data: { name: 'User 1' }, recommendations: [], analytics: { view: 12, purchase: 3 },
        errors: [{ part: 'recommendations', code: 'source_failed', detail: 'the connection to the recommendations service failed' }],
      }]);
      expect(reply.text).not.toMatch(internals);
    }
    saw(fact, resolver.asked >= 1);
  }
  await leaks.assertNone();
  await waitUntilDisconnected(database.url);
});

test('an upstream that moves to another address is asked there once its connections have ended', async () => {
  await using before = await startUpstream();
  await using after = await startUpstream({ host: elsewhere, port: before.port });
  before.answer(json(['before']));
  after.answer(json(['after']));
  let address = '127.0.0.1';
  const resolver = resolving((resolve) => { resolve(null, address); });
  await using gateway = await startGateway({ database, recommendationsUrl: `http://${name}:${before.port}` });
  const recommended = async () => ((await gateway.ask(1)).json as { recommendations: string[] }).recommendations[0];
  expect(await recommended()).toBe('before');
  address = elsewhere;
  saw('the name moved');
  const asked = resolver.asked;
  expect(await recommended()).toBe('before');
  saw('a connection stayed where it was', resolver.asked === asked);
  // It leaves: who connects from now on is refused there.
  await before.stop();
  await eventually(async () => (await recommended()) === 'after', () => 'expected the new address to be asked');
  saw('the new address was asked', resolver.asked > asked);
  expectComplete(await Promise.all([1, 2, 3].map((user) => gateway.ask(user))));
  expect(before.requests).toHaveLength(2);
});
