import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { createRedis, type RedisTier } from '../../src/clients/redis.ts';
import { bearer, inS, newPair, token } from '../support/issuer.ts';
import { type Database, query } from '../support/postgres.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { type Issued, startIssuer } from './issued.ts';
import { sometimes } from './sometimes.ts';

// Row 33: whatever is cached, stale, ready or under way, an answer is its own subject's, and everybody else's is a 403.

const saw = sometimes('an answer was loaded', 'an answer was cached', 'an answer was stale', 'an answer came from the lane', 'an answer was streamed', 'a client had it already', 'an operator read any', 'a stranger was refused', 'a stranger was refused while it was ready', 'there was no such user');

const users = [1, 2, 3, 4, 404] as const;
type Who = (typeof users)[number] | 'operator' | 'nobody';
const people: readonly Who[] = [...users, 'operator', 'nobody'];

let database: Database;
let redis: RedisServer;
let issuer: Issued;
let tiers: readonly RedisTier[];
let fleet: readonly Gateway[];
let caches: readonly Cache[];
const headers = new Map<Who, Record<string, string>>();

beforeAll(async () => {
  const pair = await newPair('one');
  [database, redis, issuer] = await Promise.all([seedDatabase(), startRedis(), startIssuer(pair)]);
  for (const who of people) {
    const more = who === 'operator' ? { sub: 'ops', scope: 'aggregates:read:any' } : { sub: String(who) };
    headers.set(who, who === 'nobody' ? {} : { authorization: bearer(await token(pair, { ...more, exp: inS(1e7) })) });
  }
  tiers = [1, 2].map(() => createRedis({ url: redis.url, namespace: 'cross-user', onTrouble: () => undefined }));
  await until(() => tiers.every(({ ready }) => ready), () => 'expected Redis to answer');
  caches = tiers.map((shared) => new Cache({ bytesMax: 1024 * 1024, shared }));
  fleet = await Promise.all(caches.map((cache) => startGateway({ database, authentication: issuer.tokens, cache, serverTiming: 'operators' })));
  // Each user's own, so that a part of another one would be seen.
  for (const { upstream } of fleet) upstream.answer((request, response) => { response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify([`for ${new URL(request.url!, 'http://x').searchParams.get('user')}`])); });
});
afterAll(async () => {
  await Promise.all(fleet.map((gateway) => gateway[Symbol.asyncDispose]()));
  await Promise.all([...tiers.map((tier) => tier.close()), issuer[Symbol.asyncDispose]()]);
  await Promise.all([redis[Symbol.asyncDispose](), database.drop()]);
});

// Only the clock that answers grow old by.
beforeEach(() => { vi.useFakeTimers({ toFake: ['performance'] }); });
afterEach(() => { vi.useRealTimers(); });

const etags = new Map<number, string>();
/** Asked the same way twice without anything in between: the lane has it. */
let ready = new Set<string>();

type Form = 'json' | 'stream' | 'ndjson' | 'conditional' | 'no-cache';
const accepts: Readonly<Record<Form, Record<string, string>>> = {
  json: {}, stream: { accept: 'text/event-stream' }, ndjson: { accept: 'application/x-ndjson' }, conditional: {}, 'no-cache': { 'cache-control': 'no-cache' },
};

async function ask(at: number, who: Who, user: number, form: Form): Promise<void> {
  const known = form === 'conditional' ? { 'if-none-match': etags.get(user) ?? '"none"' } : {};
  const { status, text, headers: told } = await fleet[at]!.ask(user, { headers: { ...headers.get(who), ...accepts[form], ...known } });
  const what = `${who} asks gateway ${at} for ${user} (${form})`;
  expect(told['vary'] ?? 'authorization, accept', what).toBe('authorization, accept');
  const place = `${at} ${user}`;
  if (who !== user && who !== 'operator') {
    expect([status, /User \d|for \d/.test(text)], what).toEqual([who === 'nobody' ? 401 : 403, false]);
    saw('a stranger was refused');
    saw('a stranger was refused while it was ready', ready.has(place));
    return;
  }
  if (user === 404) {
    // A stream may have begun by then, with what is nobody's.
    expect([status === 404 || form === 'stream' || form === 'ndjson', text.includes('"code":"not_found"'), text.includes('User ')], what).toEqual([true, true, false]);
    return saw('there was no such user');
  }
  expect([200, 304], what).toContain(status);
  if (status === 304) return saw('a client had it already', text === '');
  expect([...new Set(text.match(/User \d+|for \d+/g))].toSorted(), what).toEqual([`User ${user}`, `for ${user}`]);
  expect(/;dur=|took_ms/.test(`${String(told['server-timing'])} ${text}`), what).toBe(who === 'operator');
  if (typeof told['etag'] === 'string') etags.set(user, told['etag']);
  tell(who, form, text, told, place);
}

function tell(who: Who, form: Form, text: string, told: Record<string, unknown>, place: string): void {
  const caching = String(told['cache-status']);
  const all = !caching.includes('fwd') && !/ttl=-/.test(caching) && told['age'] !== undefined;
  saw('an answer was loaded', caching.includes('fwd=miss'));
  saw('an answer was cached', all);
  saw('an answer was stale', /ttl=-/.test(caching) || text.includes('"state":"stale"'));
  saw('an answer was streamed', text.includes('"complete":true'));
  saw('an operator read any', who === 'operator');
  saw('an answer came from the lane', form === 'json' && all && ready.has(place));
  if (form === 'json' && all) ready.add(place);
}

type Deed = readonly [words: string, does: () => Promise<void>];
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.tuple(fc.nat(1), fc.constantFrom(...people), fc.constantFrom(...users), fc.constantFrom<Form>('json', 'json', 'json', 'stream', 'ndjson', 'conditional', 'no-cache'), fc.integer({ min: 1, max: 3 }))
      .map(([at, who, user, form, times]): Deed => [`${who} asks gateway ${at} for ${user} (${form}) ${times} times`, async () => { for (let n = 0; n < times; n++) await ask(at, who, user, form); }]),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.nat(1), fc.constantFrom(...users)).map(([at, user]): Deed => [`all ask gateway ${at} for ${user} at once`, async () => { await Promise.all(people.map((who) => ask(at, who, user, 'json'))); }]),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.nat(1), fc.constantFrom(1, 2, 3, 4)).map(([at, user]): Deed => [`each owner and ${user} at gateway ${at}, all at once`, async () => { await Promise.all(users.map((who) => ask(at, who, who, 'json'))); }]),
  },
  { weight: 4, arbitrary: fc.constantFrom(1, 20, 31, 70, 400).map((seconds): Deed => [`${seconds} s pass`, () => { vi.advanceTimersByTime(seconds * 1_000); ready = new Set(); return Promise.resolve(); }]) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(1), fc.constantFrom(1, 2, 3, 4, '*')).map(([at, user]): Deed => [`${user} changes`, async () => { ready = new Set(); await caches[at]!.invalidate([`users:${user}`]); }]) },
  { weight: 1, arbitrary: fc.constant<Deed>(['Redis forgets all', async () => { await redis.send('FLUSHALL'); }]) },
  { weight: 1, arbitrary: fc.constant<Deed>(['user 1 is written anew', async () => { await query(database.url, 'update users set data = data where id = 1'); }]) },
);

test('an answer is always its own subject’s, whoever asked for it before', async () => {
  await fc.assert(fc.asyncProperty(fc.array(deed, { minLength: 60, maxLength: 80 }), async (deeds) => {
    for (const [, does] of deeds) await does();
  }), { numRuns: 6, endOnFailure: true });
});
