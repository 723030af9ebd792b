import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, hang, json } from '../support/answers.ts';
import { open, request } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { dial } from '../support/raw-http.ts';
import { bounded } from '../support/until.ts';
import { crowd } from '../system/crowd.ts';
import { seedDatabase } from '../system/gateway.ts';
import type { Service } from '../system/service.ts';
import { eventsOf } from '../system/streams.ts';
import { Balancer } from './balancer.ts';
import { serve, type Served } from './served.ts';
import { sometimes } from './sometimes.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

const saw = sometimes('workers were replaced twenty times', 'processes were replaced twenty times', 'requests came during each restart', 'a stream was told why it ends');

const restarts = 20;

/** An answer that takes its time: some requests are under way at each moment, and the CPU is left to those who start. */
const later: Answer = (request, response) => { setTimeout(() => { json(['a', 'b'])(request, response); }, 50); };

test.concurrent('twenty rolling restarts of two workers lose no request', { timeout: 600_000 }, async () => {
  await using it = await serve({ DATABASE_URL: database.url, WORKERS: '2', LOG_LEVEL: 'info' });
  const { service, upstream } = it;
  upstream.answer(later);
  await service.logged('all workers listen');
  const clients = crowd((id, options) => service.ask(id, { ...options, timeoutMs: 60_000 }), 4);
  for (let restart = 1; restart <= restarts; restart++) {
    const before = clients.replies();
    service.signal('SIGHUP');
    await service.lines(({ msg }) => msg === 'all workers are new', restart);
    saw('requests came during each restart', clients.replies() > before);
  }
  saw('workers were replaced twenty times', service.log.filter(({ msg }) => msg === 'ended').length === 2 * restarts);
  await clients.stop();
  expect(clients.statuses).toEqual(new Set([200]));
  expect(service.stderr).toBe('');
});

test.concurrent('twenty processes replaced one by one behind a balancer lose no request', { timeout: 600_000 }, async () => {
  await using stack = new AsyncDisposableStack();
  const start = async () => {
    const served = stack.use(await serve({ DATABASE_URL: database.url, DRAIN_DELAY_MS: '3000' }));
    served.upstream.answer(later);
    return served;
  };
  const balancer = stack.use(new Balancer());
  const url = await balancer.listen();
  let old: Served = await start();
  await balancer.add(old.service);
  const clients = crowd((id, options) => request(`${url}/api/aggregated?user_id=${id}`, { ...options, timeoutMs: 60_000 }), 4);
  const replaced = async (service: Service) => {
    const before = clients.replies();
    service.signal('SIGTERM');
    await balancer.without(service);
    expect(await service.ended()).toBe(0);
    saw('requests came during each restart', clients.replies() > before);
  };
  const gone: Promise<void>[] = [];
  for (let restart = 1; restart <= restarts; restart++) {
    // The next one starts while those that were replaced last still drain.
    const fresh = await start();
    await balancer.add(fresh.service);
    const going = replaced(old.service);
    // Told at the end.
    going.catch(() => undefined);
    gone.push(going);
    old = fresh;
    saw('processes were replaced twenty times', restart === restarts);
  }
  await Promise.all(gone);
  await clients.stop();
  expect(clients.statuses).toEqual(new Set([200]));
});

test('what outlasts the drain is told so before its socket is cut: a stream by its last event, a whole answer by a 503', async () => {
  await using it = await serve({ DATABASE_URL: database.url, DRAIN_TIMEOUT_MS: '100' });
  const { service, upstream } = it;
  upstream.answer(hang);
  using exchange = await open(`${service.url}/api/aggregated?user_id=1`, { headers: { accept: 'text/event-stream' } });
  const stream = await eventsOf(exchange, 'text/event-stream');
  await stream.next();
  await stream.next();
  const whole = service.ask(2);
  await upstream.received(2);
  service.signal('SIGTERM');
  const last = (await stream.rest()).at(-1);
  expect(last).toMatchObject({ event: 'problem', code: 'overloaded', status: 503 });
  saw('a stream was told why it ends');
  const reply = await whole;
  expect([reply.status, reply.headers['retry-after'], reply.headers['connection']]).toEqual([503, '1', 'close']);
  expect(reply.json).toMatchObject({ code: 'overloaded' });
  expect(await service.ended()).toBe(0);
  await upstream.allClosed();
});

test('what has no work that could be stopped is cut off', async () => {
  await using it = await serve({ DATABASE_URL: database.url, DRAIN_TIMEOUT_MS: '100' });
  const { service } = it;
  // Only the beginning of a request.
  using wire = await dial(service.url);
  await wire.write('GET /api/aggregated?user_id=1 HTTP/1.1\r\n');
  expect((await service.ask(1)).status).toBe(200);
  service.signal('SIGTERM');
  await bounded(wire.closed, () => 'expected the connection to be cut', 10_000);
  expect(await service.ended()).toBe(0);
});
