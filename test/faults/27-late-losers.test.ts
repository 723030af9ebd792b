// Row 27. What lost the race against its deadline, or against its client's patience, fails afterwards: nobody hears of it,
// no rejection is left unhandled, and nothing stays pending.
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Postgres } from '../../demo/postgres.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { optional } from '../../src/core/part.ts';
import { Edge } from '../../src/http/edge.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { closeServer, listen, portOf } from '../../src/http/server.ts';
import { hang } from '../support/answers.ts';
import { request } from '../support/http-client.ts';
import { type Watch, watchLeaks } from '../support/leaks.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { type Database, lockTable, waitUntilBusy, waitUntilDisconnected } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { scripted } from '../support/scripted.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a source failed after the reply', 'a connection was given up after the reply', 'Postgres was killed after the reply', 'an upstream was cut after the reply');

let own: Postgres;
let database: Database;
let leaks: Watch;

beforeAll(async () => {
  own = await startOwnPostgres();
  database = await seedDatabase(own.url);
});
beforeEach(() => { leaks = watchLeaks(); });
// Whatever was left pending, or rejected with nobody to hear, is told here.
afterEach(async () => {
  await leaks.assertNone();
  await own.up();
});
afterAll(() => own.stop());

test.each([
  ['an error', new Error('far too late')],
  ['what is no error', undefined],
] as const)('a source that ignores its end and rejects with %s after the reply is heard by nobody', async (_, reason) => {
  const loser = scripted<{ user_id: string }, string>();
  const required = scripted<{ user_id: string }, string>();
  const log = pino({ level: 'silent' });
  const routes = createRoutes(new Edge({ log, timeoutStatus: 504, sampling: { ratio: 0, trustParent: false } }), {
    '/both': aggregate({ name: 'both', input: z.object({ user_id: z.string() }), deadline: '200ms', parts: { quick: (input: { user_id: string }) => Promise.resolve(input.user_id), late: optional(loser.source, { otherwise: '' }) } }),
    '/needed': aggregate({ name: 'needed', input: z.object({ user_id: z.string() }), deadline: '200ms', parts: { late: required.source, later: required.source } }),
  });
  const server = await listen(routes, 0, '127.0.0.1');
  const url = `http://127.0.0.1:${portOf(server)}`;
  expect(await request(`${url}/both?user_id=1`)).toMatchObject({ status: 200, json: { quick: '1', late: '', errors: [{ part: 'late', code: 'deadline_exceeded' }] } });
  expect((await request(`${url}/needed?user_id=1`)).status).toBe(504);
  for (const ask of [await loser.next(), await required.next(), await required.next()]) {
    saw('a source failed after the reply', ask.stopped && !ask.landed);
    ask.reject(reason);
    await ask.answer.catch(() => undefined);
  }
  await closeServer(server, 0);
});

test('a query whose connection has gone silent is given up after the reply, and no one hears', async () => {
  await using relay = await startRelay(database.url);
  {
    await using gateway = await startGateway({ database, databaseUrl: relay.url, deadline: '2s', statementTimeoutMs: 60_000 });
    await gateway.ask(1);
    await using _ = await lockTable(database.url, 'users');
    const asked = gateway.ask(1);
    await waitUntilBusy(database.url);
    relay.welcome('swallow');
    relay.silence();
    expect((await asked).json).toMatchObject({ code: 'deadline_exceeded' });
  }
  // A CancelRequest, which nobody answered: there was no other way than to give the connection up.
  saw('a connection was given up after the reply', relay.openings.some((bytes) => bytes?.length === 16 && bytes.readInt32BE(4) === 80_877_102));
  await relay[Symbol.asyncDispose]();
  await waitUntilDisconnected(database.url, { applicationName: 'tributary' });
});

test.each(['fast', 'immediate'] as const)('a Postgres that is killed (%s), and an upstream that is cut, after the reply are heard by nobody', async (mode) => {
  await using gateway = await startGateway({ database, deadline: '2s', statementTimeoutMs: 60_000 });
  await gateway.ask(1);
  const lock = await lockTable(database.url, 'users');
  gateway.upstream.answer(hang);
  const before = gateway.upstream.requests.length;
  const [late, leaving] = [gateway.ask(1), await gateway.open(2)];
  await waitUntilBusy(database.url);
  const asked = await gateway.upstream.received(before + 1);
  leaving.reset();
  expect((await late).json).toMatchObject({ code: 'deadline_exceeded' });
  await own.down(mode);
  saw('Postgres was killed after the reply', own.pid === undefined);
  saw('an upstream was cut after the reply', (await asked.closed) === 'cut');
  await lock.release();
  await gateway.underWay(0);
});
