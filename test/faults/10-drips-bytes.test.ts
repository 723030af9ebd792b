// Row 10. An upstream sends a byte now and then, so that no wait for the next one ever takes long: the deadline counts for
// the whole of an answer, and one that is slow but in time is whole.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drip, json } from '../support/answers.ts';
import { open } from '../support/http-client.ts';
import { startNetwork } from '../support/network.ts';
import type { Database } from '../support/postgres.ts';
import { findToxiproxy } from '../support/toxiproxy.ts';
import { toxiproxyBuildMs } from '../support/toxiproxy-build.ts';
import { startUpstream } from '../support/upstream.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('bytes kept coming', 'they were cut off', 'an answer came in pieces', 'an answer in pieces was in time');

let database: Database;

beforeAll(async () => {
  await findToxiproxy();
  database = await seedDatabase();
}, toxiproxyBuildMs);
afterAll(() => database.drop());

const enough = 10;

/** How many pieces of a body come one after the other, up to what is enough. */
async function pieces(url: string): Promise<number> {
  using exchange = await open(url);
  let count = 0;
  for await (const _piece of await exchange.response) if (++count === enough) break;
  return count;
}

const late = [{ part: 'recommendations', code: 'deadline_exceeded', detail: 'no answer within 950 ms' }];

test('an answer that comes byte by byte without end is cut off at the deadline', async () => {
  await using gateway = await startGateway({ database, deadline: '1s' });
  await gateway.ask(1);
  gateway.upstream.answer(drip(5));
  const reply = await gateway.ask(1);
  expect([reply.status, reply.json]).toMatchObject([200, { user_data: { name: 'User 1' }, recommendations: [], errors: late }]);
  saw('bytes kept coming', await pieces(gateway.upstream.url) === enough);
  saw('they were cut off', (await (await gateway.upstream.received(2)).closed) === 'cut');
});

test('a network that slices an answer makes it late, however short each wait, or slow, but whole', async () => {
  await using upstream = await startUpstream();
  upstream.answer(json(['a', 'b']));
  await using network = await startNetwork(upstream.url);
  await using gateway = await startGateway({ database, deadline: '1s', recommendationsUrl: network.url });
  await gateway.ask(1);

  // Some two hundred bytes with their head: 50 waits of 100 ms.
  await network.suffer({ kind: 'slice', bytes: 4, everyMs: 100 });
  expect((await gateway.ask(1)).json).toMatchObject({ recommendations: [], errors: late });

  await network.suffer({ kind: 'slice', bytes: 4, everyMs: 1 });
  saw('an answer came in pieces', await pieces(network.url) > 1);
  expect((await gateway.ask(1)).json).toEqual({ user_data: { name: 'User 1' }, recommendations: ['a', 'b'], analytics: { view: 12, purchase: 3 } });
  saw('an answer in pieces was in time');
});
