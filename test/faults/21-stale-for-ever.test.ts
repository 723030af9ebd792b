// Row 21. What an answer is made of is down for hours: it is served old for as long as its limits say, with its age told,
// and not a moment longer.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Postgres } from '../../demo/postgres.ts';
import { Cache } from '../../src/cache/cache.ts';
import { reset } from '../support/answers.ts';
import type { Reply } from '../support/http-client.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import type { Database } from '../support/postgres.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('Postgres was down', 'the upstream was down', 'an old answer was served', 'a required part failed', 'an optional part was missing', 'it was whole again');

let own: Postgres;
let database: Database;
let gateway: Gateway;

beforeAll(async () => {
  own = await startOwnPostgres();
  database = await seedDatabase(own.url);
});
afterAll(() => own.stop());
// Only this process's clock, by which answers grow old: what waits for sockets goes on waiting for real.
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  gateway = await startGateway({ database, cache: new Cache({ bytesMax: 1024 * 1024 }) });
  await gateway.ask(20);
});
afterEach(async () => {
  await own.up();
  await gateway[Symbol.asyncDispose]();
  vi.useRealTimers();
});

const minutes = 60;
/** Lets time pass and asks; a load that failed behind the reply is through by the next one. */
async function after(seconds: number): Promise<Reply> {
  vi.advanceTimersByTime(seconds * 1_000);
  return gateway.ask(1);
}

test('an answer whose sources are all down is served with its age up to its hard limit, and never after it', async () => {
  const first = await gateway.ask(1);
  await own.down();
  saw('Postgres was down', own.pid === undefined);
  gateway.upstream.answer(reset);
  let age = 0;
  // Users are kept for 30 s and half an hour more, taken off whatever was taken off at random: up to a tenth of the 30 s.
  for (const seconds of [40, 2 * minutes, 10 * minutes, 17 * minutes]) {
    const reply = await after(seconds);
    age += seconds;
    expect([reply.status, reply.text]).toEqual([200, first.text]);
    expect(Number(reply.headers['age'])).toBeGreaterThanOrEqual(age);
    expect(reply.headers['cache-control']).toBe('private, max-age=0');
    saw('an old answer was served');
  }
  for (const seconds of [2 * minutes, 1, 60 * minutes]) {
    const { status, json } = await after(seconds);
    expect([status, json]).toEqual([502, expect.objectContaining({ code: 'source_failed', part: 'user_data' })]);
    saw('a required part failed');
  }
  await own.up();
  expect(await after(1)).toMatchObject({ status: 200, json: { user_data: { name: 'User 1' }, recommendations: [], errors: [{ part: 'recommendations' }] } });
});

test('an optional part whose source is down is missing once its hard limit has passed, and the others are as fresh as ever', async () => {
  await gateway.ask(1);
  gateway.upstream.answer(reset);
  // Recommendations are kept for a minute and an hour more; the other parts are loaded anew meanwhile.
  for (const seconds of [10 * minutes, 20 * minutes, 29 * minutes]) {
    const reply = await after(seconds);
    expectComplete([reply]);
    expect(reply.json).toMatchObject({ recommendations: ['a', 'b'] });
  }
  saw('the upstream was down', gateway.upstream.requests.length > 2);
  const late = await after(3 * minutes);
  expect(late.json).toMatchObject({ user_data: { name: 'User 1' }, recommendations: [], errors: [{ part: 'recommendations', code: 'source_failed' }] });
  expect([late.status, late.headers['cache-control'], late.headers['etag']]).toEqual([200, 'no-store', undefined]);
  saw('an optional part was missing');
  gateway.upstream.answer((_, response) => { response.end('["c"]'); });
  const back = await after(2);
  expectComplete([back]);
  expect(back.json).toMatchObject({ recommendations: ['c'] });
  saw('it was whole again');
});
