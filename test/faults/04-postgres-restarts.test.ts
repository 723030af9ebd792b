// Row 4. Postgres is restarted under load, in order and as a crash: the process lives, requests meanwhile fail as problems,
// and those after it are answered.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Postgres } from '../../demo/postgres.ts';
import { json } from '../support/answers.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import type { Database } from '../support/postgres.ts';
import { traffic } from '../support/traffic.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from '../system/gateway.ts';
import { type Service, startService } from '../system/service.ts';
import { isComplete, wellAgain } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('it answered before', 'a fast restart failed requests', 'an immediate restart failed requests', 'a connection broke that nobody used');

let own: Postgres;
let database: Database;
let upstream: Upstream;
let service: Service;

beforeAll(async () => {
  [own, upstream] = await Promise.all([startOwnPostgres(), startUpstream()]);
  upstream.answer(json(['a', 'b']));
  database = await seedDatabase(own.url);
  service = await startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url });
});
// Whatever a test has done to it, the next one finds it running.
afterEach(async () => { await own.up(); });
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await Promise.all([upstream.stop(), own.stop()]);
});

test.each(['fast', 'immediate'] as const)('a process lives through a restart of Postgres (%s) under load, and is well again by itself', async (mode) => {
  const requests = traffic((user, options) => service.ask(user, options));
  await requests.more(50);
  saw('it answered before', requests.replies.some(isComplete));
  const seen = requests.replies.length;
  await own.down(mode);
  await requests.more(50);
  const meanwhile = requests.replies.slice(seen).filter((reply) => !isComplete(reply));
  saw(mode === 'fast' ? 'a fast restart failed requests' : 'an immediate restart failed requests', meanwhile.length > 0);
  await own.up();
  await requests.more(1);
  await wellAgain((user) => service.ask(user));
  for (const { status, headers } of (await requests.stop()).filter(({ status }) => status !== 200)) {
    expect([502, 503, 504]).toContain(status);
    expect(headers['content-type']).toBe('application/problem+json');
  }
  // Once more, while nobody asks: what breaks then breaks in the pool alone.
  await own.restart(mode);
  saw('a connection broke that nobody used', (await service.logged('an idle connection was lost'))['level'] === 40);
  await wellAgain((user) => service.ask(user));
  expect([service.over, (await service.probe('/livez')).status, (await service.probe('/readyz')).status]).toEqual([false, 200, 200]);
  expect(service.stderr).toBe('');
});
