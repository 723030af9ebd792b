// Row 19. What everybody asks for grows old under load, and its sources hang: nobody waits. The old answer is served while
// one load is tried behind it, and the new one once it has come.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { held, json } from '../support/answers.ts';
import { type Database, lockTable, waitUntilBusy } from '../support/postgres.ts';
import { traffic } from '../support/traffic.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('it was fresh', 'it was stale', 'it was being loaded', 'it was new');

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(() => database.drop());
// Only this process's clock, by which answers grow old: what waits for sockets goes on waiting for real.
beforeEach(() => { vi.useFakeTimers({ toFake: ['performance'] }); });
afterEach(() => { vi.useRealTimers(); });

const callers = 20;

test('when a hot key expires while its sources hang, nobody waits, and each source is asked once', async () => {
  const cache = new Cache({ bytesMax: 1024 * 1024 });
  // Whoever waited would outlast the patience of the traffic.
  await using gateway = await startGateway({ database, cache, deadline: '1m', statementTimeoutMs: 60_000 });
  await gateway.ask(20);
  const first = await gateway.ask(1);
  const requests = traffic((_, options) => gateway.ask(1, options), callers);
  await requests.more(100);
  saw('it was fresh', requests.replies.every(({ text, headers }) => text === first.text && !/ttl=-|fwd/.test(String(headers['cache-status']))));

  const recommender = held(json(['new']));
  gateway.upstream.answer(recommender.answer);
  const asked = gateway.upstream.requests.length;
  await using users = await lockTable(database.url, 'users');
  await using counts = await lockTable(database.url, 'analytics');
  // Beyond the longest of their times, a minute, and far within the time for which they may be served.
  vi.advanceTimersByTime(61_000);
  const seen = requests.replies.length;
  await waitUntilBusy(database.url, { applicationName: 'tributary', count: 2 });
  await gateway.upstream.received(asked + 1);
  saw('it was being loaded', gateway.upstream.openRequests === 1);
  await requests.more(500);
  // The callers who were under way then may have had it fresh.
  const across = requests.replies.slice(seen + callers);
  expectComplete(across);
  for (const { text, headers } of across) {
    expect(text).toBe(first.text);
    expect(String(headers['cache-status']).match(/; hit; ttl=-\d+/g)).toHaveLength(3);
  }
  saw('it was stale');
  expect(gateway.upstream.requests).toHaveLength(asked + 1);

  recommender.release();
  await Promise.all([users.release(), counts.release()]);
  // If those loads took longer than a load behind everybody's back may, the next ones come when the sources have had their rest.
  vi.advanceTimersByTime(2_000);
  await vi.waitUntil(() => requests.replies.at(-1)?.text.includes('"new"'), { timeout: 40_000 });
  saw('it was new');
  expectComplete(await requests.stop());
  expect(gateway.upstream.requests.length - asked).toBeLessThanOrEqual(2);
});
