import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hang, held, json } from '../support/answers.ts';
import { keepAlive, open, request } from '../support/http-client.ts';
import { type Database, lockTable, waitUntilBusy, waitUntilIdle } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { seedDatabase } from './gateway.ts';
import { type Environment, type Service, startService } from './service.ts';
import { eventsOf } from './streams.ts';

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

/** A service with a recommender of its own. */
async function serve(environment: Environment = {}) {
  const upstream: Upstream = await startUpstream();
  upstream.answer(json(['a', 'b']));
  const service = await startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, ...environment });
  return {
    service, upstream,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await upstream.stop();
    },
  };
}

/** Asks again and again, since a process tells nobody. */
async function once(holds: () => Promise<boolean>, tell: string): Promise<void> {
  const endsAt = performance.now() + 20_000;
  while (!(await holds())) if (performance.now() > endsAt) throw new Error(`after 20 s: expected ${tell}`);
}

/** Resolves when nobody listens there any more. */
const refused = (url: string): Promise<void> =>
  once(() => request(url).then(() => false, (error: unknown) => (error as { code?: unknown }).code === 'ECONNREFUSED'), `nobody to listen at ${url}`);

/** Resolves when it has heard that it is to end. */
const notReady = (service: Service): Promise<void> =>
  once(async () => (await service.probe('/readyz')).status === 503, 'a service that is not ready any more');

const whole = { user_data: { name: 'User 1' }, recommendations: ['a', 'b'], analytics: { view: 12, purchase: 3 } };

describe.concurrent('a process that is told to end', () => {
  test.for(['SIGTERM', 'SIGINT'] as const)('by %s goes on serving until the balancer has heard of it, and every reply says that it closes', async (signal) => {
    await using it = await serve({ DRAIN_DELAY_MS: '2000' });
    const { service, upstream } = it;
    const connections = [keepAlive(), keepAlive(), keepAlive()];
    for (const connection of connections) expect((await service.ask(1, { connection })).headers['connection']).toBe('keep-alive');
    const recommender = held(json(['a', 'b']));
    upstream.answer(recommender.answer);
    const inFlight = service.ask(1, { connection: connections[0]! });
    await upstream.received(4);
    service.signal(signal);
    await notReady(service);
    expect((await service.probe('/livez')).status).toBe(200);
    expect((await service.probe('/readyz?verbose')).text).toContain('[-] not draining failed');
    recommender.release();
    const replies = await Promise.all([
      inFlight,
      service.ask(1, { connection: connections[1]! }),
      service.ask('!', { connection: connections[2]! }),
      request(`${service.url}/nowhere`, { headers: { connection: 'keep-alive' } }),
      service.ask(1, { headers: { connection: 'keep-alive' } }),
    ]);
    expect(replies.map(({ status, headers }) => [status, headers['connection']])).toEqual([[200, 'close'], [200, 'close'], [400, 'close'], [404, 'close'], [200, 'close']]);
    expect(replies[0]?.json).toEqual(whole);
    expect(await service.ended()).toBe(0);
    expect(service.log.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['draining', 'ended']));
    expect(service.stderr).toBe('');
    for (const connection of connections) connection[Symbol.dispose]();
  });

  test('under load fails nobody', async () => {
    await using it = await serve({ DRAIN_DELAY_MS: '1000' });
    const { service } = it;
    let replies = 0;
    const statuses = new Set<number>();
    // As a client with a pool does: it asks on its connection until the reply says that this was the last.
    const client = async (id: number): Promise<string> => {
      using connection = keepAlive();
      for (;;) {
        const { status, headers } = await service.ask(id, { connection });
        statuses.add(status);
        replies++;
        if (headers['connection'] === 'close') return 'told to close';
      }
    };
    const clients = [1, 2, 3, 4, 5, 6, 7, 8].map(client);
    await until(() => replies > 40, () => `expected 40 replies, but got ${replies}`);
    service.signal('SIGTERM');
    expect(await Promise.all(clients)).toEqual(clients.map(() => 'told to close'));
    expect(statuses).toEqual(new Set([200]));
    expect(await service.ended()).toBe(0);
    expect(service.log.filter(({ msg }) => msg === 'request')).toHaveLength(replies);
  });

  test('as soon as it has said that it listens ends in order', async () => {
    await using it = await serve();
    it.service.signal('SIGTERM');
    expect(await it.service.ended()).toBe(0);
    expect(await it.service.logged('ended')).toMatchObject({ level: 30 });
  });

  test('finishes what is under way after it has stopped listening', async () => {
    await using it = await serve();
    const { service, upstream } = it;
    const recommender = held(json(['a', 'b']));
    upstream.answer(recommender.answer);
    const inFlight = service.ask(1);
    await upstream.received();
    service.signal('SIGTERM');
    await refused(service.url);
    recommender.release();
    expect((await inFlight).json).toEqual(whole);
    expect(await service.ended()).toBe(0);
  });

  test('closes idle connections at once, so that they do not hold it up', async () => {
    await using it = await serve({ DRAIN_TIMEOUT_MS: '60000' });
    using connection = keepAlive();
    await it.service.ask(1, { connection });
    it.service.signal('SIGTERM');
    expect(await it.service.ended()).toBe(0);
  });

  test('finishes a stream that is open', async () => {
    await using it = await serve();
    const { service, upstream } = it;
    const recommender = held(json(['a', 'b']));
    upstream.answer(recommender.answer);
    using exchange = await open(`${service.url}/api/aggregated?user_id=1`, { headers: { accept: 'text/event-stream' } });
    const stream = await eventsOf(exchange, 'text/event-stream');
    await stream.next();
    await stream.next();
    service.signal('SIGTERM');
    await refused(service.url);
    recommender.release();
    expect(await stream.rest()).toMatchObject([{ event: 'part', part: 'recommendations', data: ['a', 'b'] }, { event: 'end', complete: true }]);
    expect(await service.ended()).toBe(0);
  });

  test('cuts off what outlasts its patience, and stops the work', async () => {
    await using own = await seedDatabase();
    await using it = await serve({ DRAIN_TIMEOUT_MS: '100', DATABASE_URL: own.url, STATEMENT_TIMEOUT_MS: '60000' });
    const { service, upstream } = it;
    await using _lock = await lockTable(own.url, 'users');
    upstream.answer(hang);
    const exchange = await open(`${service.url}/api/aggregated?user_id=1`);
    await upstream.received();
    service.signal('SIGTERM');
    await exchange.closed;
    expect(await service.ended()).toBe(0);
    await upstream.allClosed();
    await waitUntilIdle(own.url);
  });

  test('twice ends at once', async () => {
    await using it = await serve({ DRAIN_DELAY_MS: '60000' });
    it.service.signal('SIGTERM');
    await notReady(it.service);
    it.service.signal('SIGTERM');
    expect(await it.service.ended()).toBe(130);
    expect(await it.service.logged('ended at once')).toMatchObject({ level: 40, signal: 'SIGTERM' });
  });
});

describe.concurrent('a process', () => {
  test('logs a line for each request, with its trace and its route, and neither an id nor a query', async () => {
    await using it = await serve();
    const { service } = it;
    const secret = 'user-4711';
    const replies = [
      await service.ask(1), await service.ask(secret), await service.ask(`${secret}!`), await request(`${service.url}/users/${secret}?token=${secret}`),
      await service.ask(secret, { method: 'POST' }), await service.ask(1, { headers: { accept: 'application/x-ndjson' } }),
    ];
    service.signal('SIGTERM');
    expect(await service.ended()).toBe(0);
    const lines = service.log.filter(({ msg }) => msg === 'request');
    expect(lines).toMatchObject([
      { method: 'GET', route: '/api/aggregated', status: 200 },
      { method: 'GET', route: '/api/aggregated', status: 404, code: 'not_found' },
      { method: 'GET', route: '/api/aggregated', status: 400, code: 'invalid_input' },
      { method: 'GET', route: '*', status: 404, code: 'not_found' },
      { method: 'POST', route: '*', status: 405, code: 'method_not_allowed' },
      { method: 'GET', route: '/api/aggregated', status: 200 },
    ]);
    expect(lines.map((line) => line['trace_id'])).toEqual(replies.map(({ headers }) => String(headers['traceresponse']).split('-')[1]));
    expect(JSON.stringify(service.log)).not.toContain(secret);
  });

  test('outlives a cancel that cannot be delivered', async () => {
    await using own = await seedDatabase();
    await using relay = await startRelay(own.url);
    await using it = await serve({ DATABASE_URL: relay.url, ANALYTICS_URL: own.url, POOL_SIZE: '1', STATEMENT_TIMEOUT_MS: '60000' });
    const { service } = it;
    await service.ask(1);
    await using lock = await lockTable(own.url, 'users');
    const exchange = await open(`${service.url}/api/aggregated?user_id=1`);
    await waitUntilBusy(own.url);
    await relay.refuse();
    exchange.reset();
    await waitUntilIdle(own.url);
    await lock.release();
    expect((await service.probe('/livez')).status).toBe(200);
    expect((await service.ask(1)).status).toBe(502);
    expect(service.over).toBe(false);
  });
});
