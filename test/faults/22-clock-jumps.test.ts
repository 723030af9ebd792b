// Row 22. The wall clock jumps by an hour, forward or back, as when a virtual machine wakes up or its time is set right: no
// deadline comes sooner or later for it, and nothing that is kept grows older or younger.
//
// A real process in which Date jumps; for a deadline that is further away than the shipped one, the gateway in this process.
// libfaketime, which comes with no `npm ci`, would move the same clock from below: JavaScript has no other way to it than
// Date, and all timers of Node's count by the monotonic one.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { hang, held, json } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { eventually, type RedisServer, startRedis } from '../support/redis.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { isKept } from '../system/redis-gateway.ts';
import { type Service, startService } from '../system/service.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('the clock jumped forward', 'the clock jumped back', 'a kept answer stayed', 'a request was under way', 'a deadline came');

const hourMs = 60 * 60 * 1_000;

/** From SIGUSR2 on the clock of this process is an hour ahead; from SIGHUP on an hour behind. */
const jumping = `data:text/javascript,${encodeURIComponent(`
  const Real = Date;
  let ahead = 0;
  globalThis.Date = class Date extends Real {
    static now() { return Real.now() + ahead; }
    constructor(...when) { if (when.length > 0) super(...when); else super(Date.now()); }
  };
  process.on('SIGUSR2', () => { ahead = ${hourMs}; }).on('SIGHUP', () => { ahead = -${hourMs}; });
`)}`;

let database: Database;
let upstream: Upstream;
let redis: RedisServer;

beforeAll(async () => {
  [database, upstream, redis] = await Promise.all([seedDatabase(), startUpstream(), startRedis()]);
  upstream.answer(json(['a', 'b']));
});
afterEach(() => {
  vi.useRealTimers();
  upstream.answer(json(['a', 'b']));
});
afterAll(async () => {
  await Promise.all([upstream.stop(), redis[Symbol.asyncDispose](), database.drop()]);
});

/** By how much the clock of the service is ahead of ours: its log tells. */
async function aheadMs(service: Service): Promise<number> {
  await service.ask('!');
  return Date.parse(String(service.log.at(-1)?.['time'])) - Date.now();
}

test.each([
  ['forward', 'memory', 'SIGUSR2', 1],
  ['back', 'memory', 'SIGHUP', -1],
  ['forward', 'redis', 'SIGUSR2', 1],
  ['back', 'redis', 'SIGHUP', -1],
] as const)('a clock that jumps %s by an hour moves neither deadlines nor what is kept (in %s)', async (way, cache, signal, sign) => {
  await redis.send('FLUSHALL');
  await using service = await startService({
    DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, CACHE_NOTIFY: 'off', CACHE: cache, ...(cache === 'redis' && { REDIS_URL: redis.url, CACHE_L1_BYTES: '1' }),
  }, ['--import', jumping, '--import', './otel/start.ts']);
  const [kept, late, fresh] = [1, 2, 3];
  await eventually(async () => isKept(await service.ask(20)), () => 'expected answers to be kept');
  const before = await service.ask(kept);
  await eventually(async () => isKept(await service.ask(kept)), () => 'expected an answer that is kept');
  service.signal(signal);
  await eventually(async () => Math.abs(await aheadMs(service) - sign * hourMs) < hourMs / 2, () => 'expected the clock to jump');
  saw(way === 'forward' ? 'the clock jumped forward' : 'the clock jumped back');

  // Neither older than its limits, nor from the future: as old as it was, and a little. By the lane of ready answers, where there is one, and by the routes.
  for (const target of [kept, `${kept}&and=more`]) {
    const after = await service.ask(target);
    expect(after.text).toBe(before.text);
    // A Redis that was too slow for a moment is a miss as well: then the log says so.
    if (!isKept(after) && cache === 'redis') {
      await service.logged('does not answer');
      continue;
    }
    expect(Number(after.headers['age'] ?? 0)).toBeLessThan(30);
    expect(String(after.headers['cache-status'])).not.toMatch(/ttl=-|fwd/);
    saw('a kept answer stayed', isKept(after));
  }
  // A deadline that began after the jump comes: two seconds, and we are patient for far less than an hour.
  upstream.answer(hang);
  expect((await service.ask(late)).json).toMatchObject({ recommendations: [], errors: [{ part: 'recommendations', code: 'deadline_exceeded' }] });
  saw('a deadline came');
  upstream.answer(json(['a', 'b']));
  expectComplete([await service.ask(fresh)]);
  await eventually(async () => isKept(await service.ask(fresh)), () => 'expected an answer that is kept');
});

test.each([['forward', 1], ['back', -1]] as const)('a request that is under way when the clock jumps %s has all the time it had', async (_, sign) => {
  vi.useFakeTimers({ toFake: ['Date'] });
  await using gateway = await startGateway({ database, deadline: '1m' });
  await gateway.ask(20);
  const recommender = held(json(['held']));
  gateway.upstream.answer(recommender.answer);
  const waiting = gateway.ask(1);
  await gateway.upstream.received(2);
  vi.setSystemTime(Date.now() + sign * hourMs);
  saw('a request was under way', gateway.edge.underWay === 1);
  // Somebody else is through meanwhile: whatever the jump would have ended has ended.
  expect((await gateway.ask('!')).status).toBe(400);
  expect([gateway.edge.underWay, gateway.upstream.openRequests]).toEqual([1, 1]);
  recommender.release();
  expectComplete([await waiting]);
});
