// Row 8. An upstream takes questions and says nothing more, on connections that were well a moment ago: who asks gets the
// rest of the answer by the deadline, and what was asked in vain is given up.
import { beforeAll, expect, test } from 'vitest';
import { json } from '../support/answers.ts';
import { startNetwork } from '../support/network.ts';
import { eventually } from '../support/redis.ts';
import { waitUntilIdle } from '../support/postgres.ts';
import { findToxiproxy } from '../support/toxiproxy.ts';
import { toxiproxyBuildMs } from '../support/toxiproxy-build.ts';
import { startUpstream } from '../support/upstream.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('the recommender answered, and its answer was swallowed', 'a part was given up at the deadline', 'an answer was whole again');

beforeAll(async () => { await findToxiproxy(); }, toxiproxyBuildMs);

test('upstreams that hang are missing from a 200 by the deadline, and there again when they are well', async () => {
  await using database = await seedDatabase();
  await using upstream = await startUpstream();
  upstream.answer(json(['a', 'b']));
  await using toRecommender = await startNetwork(upstream.url);
  await using toAnalytics = await startNetwork(database.url);
  await using gateway = await startGateway({ database, recommendationsUrl: toRecommender.url, analyticsUrl: toAnalytics.url });
  const whole = { user_data: { name: 'User 1' }, recommendations: ['a', 'b'], analytics: { view: 12, purchase: 3 } };
  expect((await gateway.ask(1)).json).toEqual(whole);
  await Promise.all([toRecommender, toAnalytics].map((network) => network.suffer({ kind: 'hang' })));

  // With the deadline as it ships; the client's own patience is far longer.
  const reply = await gateway.ask(1);
  expect([reply.status, reply.headers['cache-control'], reply.json]).toEqual([200, 'no-store', {
    ...whole,
    recommendations: [],
    analytics: {},
    errors: ['recommendations', 'analytics'].map((part) => ({ part, code: 'deadline_exceeded', detail: 'no answer within 1950 ms' })),
  }]);
  saw('the recommender answered, and its answer was swallowed', (await (await upstream.received(2)).closed) === 'answered');
  saw('a part was given up at the deadline');
  await gateway.underWay(0);
  await waitUntilIdle(database.url);

  await Promise.all([toRecommender, toAnalytics].map((network) => network.suffer(undefined)));
  await eventually(async () => !('errors' in ((await gateway.ask(1)).json as object)), () => 'expected a whole answer again');
  saw('an answer was whole again');
});
