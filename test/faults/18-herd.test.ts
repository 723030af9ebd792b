// Row 18. A crowd asks two gateways for one thing that neither has: it is loaded once for all of them, or once by each
// gateway where the source is slower than whoever lost the lease waits.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { held, json } from '../support/answers.ts';
import { herd } from '../support/herd.ts';
import type { Database } from '../support/postgres.ts';
import { eventually, type RedisServer, startRedis } from '../support/redis.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { countStatements, seedDatabase } from '../system/gateway.ts';
import { isKept } from '../system/redis-gateway.ts';
import { type Service, startService } from '../system/service.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('the crowd waited for one load', 'the source was quick', 'the source was slow');

let database: Database;
let statements: () => Promise<number>;
let upstream: Upstream;
let redis: RedisServer;
let fleet: readonly Service[];

beforeAll(async () => {
  [database, upstream, redis] = await Promise.all([seedDatabase(), startUpstream(), startRedis()]);
  statements = await countStatements(database);
  upstream.answer(json(['a', 'b']));
  // A view has no triggers to tell of its changes.
  const environment = { DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, CACHE: 'redis', CACHE_NOTIFY: 'off', REDIS_URL: redis.url };
  fleet = await Promise.all([startService(environment), startService(environment)]);
  await eventually(async () => (await Promise.all(fleet.map((gateway) => gateway.ask(20)))).every(isKept), () => 'expected both to keep answers');
  // Both have Redis by now: what one has loaded the other one finds there.
  await fleet[0]?.ask(19);
  await eventually(async () => isKept(await fleet[1]!.ask(19)), () => 'expected the other one to find it');
  // And both have served a crowd: what follows is not about how fast a new process is.
  await Promise.all(fleet.map(({ url }) => herd(url, about(19), callers)));
});
afterAll(async () => {
  await Promise.all(fleet.map((gateway) => gateway[Symbol.asyncDispose]()));
  await Promise.all([upstream.stop(), redis[Symbol.asyncDispose](), database.drop()]);
});

/** At each gateway: so many that a slow machine too has answered them within the deadline of the first. */
const callers = 300;

const about = (user: number) => `/api/aggregated?user_id=${user}`;

test.each([
  ['quick', 1],
  ['slow', 2],
] as const)('hundreds of callers of two gateways who ask for one cold key ask a %s source once a gateway at the most', async (pace, user) => {
  const recommender = held(json(['held']));
  upstream.answer(pace === 'slow' ? recommender.answer : json(['held']));
  const asked = upstream.requests.length;
  const before = await statements() + 1;
  const crowds = Promise.all(fleet.map(({ url }) => herd(url, about(user), callers)));
  await upstream.received(asked + 1);
  if (pace === 'slow') saw('the crowd waited for one load', upstream.openRequests <= fleet.length);
  recommender.release();
  const replies = (await crowds).flat();
  expect(replies).toHaveLength(2 * callers);
  for (const reply of replies) expect(reply).toMatch(new RegExp(`^HTTP/1\\.1 200 [^]*User ${user}"[^]*"recommendations":\\["held"\\]`));
  const loads = { recommender: upstream.requests.length - asked, statements: await statements() - before };
  expect(loads.recommender).toBeLessThanOrEqual(fleet.length);
  expect(loads.statements).toBeLessThanOrEqual(fleet.length);
  saw(pace === 'slow' ? 'the source was slow' : 'the source was quick', loads.recommender > 0 && loads.statements > 0);
});
