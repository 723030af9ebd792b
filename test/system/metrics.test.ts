import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hang, json, status } from '../support/answers.ts';
import { keepAlive, request } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { eventually } from '../support/redis.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { scrape } from './scraped.ts';
import { type Environment, type Service, startService } from './service.ts';

let database: Database;
let upstream: Upstream;

beforeAll(async () => { [database, upstream] = await Promise.all([seedDatabase(), startUpstream()]); });
afterAll(() => Promise.all([database.drop(), upstream.stop()]));

const start = (environment: Environment = {}) => startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, CACHE: 'memory', CACHE_NOTIFY: 'off', ...environment });

const requests = 'http_server_request_duration_seconds_count';

/** A request is counted when its reply has left, which may be a moment after the client has it. */
const counted = (service: Service, count: number) => eventually(async () => (await scrape(service)).sum(requests) === count, () => `expected ${count} requests`, 10_000);

test('what happened is counted: requests by how they ended, parts by how they came, and who was not let in', async () => {
  await using service = await start({ RATE_LIMIT: '11/10m' });
  upstream.answer(json(['a', 'b']), status(500));
  expect((await service.ask(1)).status).toBe(200);
  for (let again = 0; again < 3; again++) expect((await service.ask(1)).status).toBe(200);
  expect((await service.ask(2)).json).toMatchObject({ errors: [{ part: 'recommendations', code: 'source_failed' }] });
  expect((await service.ask(99)).status).toBe(404);
  expect((await service.ask('%20')).status).toBe(400);
  expect((await request(`${service.url}/nowhere`)).status).toBe(404);
  expect((await service.ask(3, { headers: { accept: 'application/x-ndjson' } })).text).toContain('"event":"end"');
  expect((await request(`${service.url}/metrics`)).status).toBe(404);
  expect((await request(`${service.url}/api/aggregated`, { method: 'TRACE' })).status).toBe(405);
  expect((await service.ask(1)).status).toBe(200);
  expect((await service.ask(1)).status).toBe(429);
  await counted(service, 13);
  const scraped = await scrape(service);
  const of = (labels: Readonly<Record<string, string>>) => scraped.sum(requests, labels);
  const route = '/api/aggregated';
  expect({
    answered: of({ http_route: route, http_response_status_code: '200' }), ready: scraped.sum('tributary_ready_answers_total', { route }),
    missing: of({ http_route: route, http_response_status_code: '404' }), invalid: of({ http_route: route, http_response_status_code: '400' }),
    nowhere: of({ http_route: '*', http_response_status_code: '404' }), refused: of({ http_route: '*', http_response_status_code: '405' }), limited: of({ http_response_status_code: '429' }),
    failed: scraped.series.filter((series) => series.includes('error_type')),
  }).toEqual({ answered: 7, ready: 4, missing: 1, invalid: 1, nowhere: 2, refused: 1, limited: 1, failed: [] });
  const aggregate = 'user-overview';
  const part = (name: string, state: string, code?: string) => scraped.sum('tributary_part_duration_seconds_count', { aggregate, part: name, state, ...(code === undefined ? {} : { code }) });
  expect([scraped.sum('tributary_answers_total', { aggregate, complete: 'true' }), scraped.sum('tributary_answers_total', { aggregate, complete: 'false' })]).toEqual([1, 2]);
  expect([part('recommendations', 'live'), part('recommendations', 'missing', 'source_failed'), part('user_data', 'live')]).toEqual([1, 2, 3]);
  expect(scraped.sum('tributary_rate_limited_total')).toBe(1);
  expect([scraped.sum('tributary_attempts_total', { source: 'recommendations', outcome: 'works' }) > 0, scraped.sum('tributary_attempts_total', { source: 'recommendations', outcome: 'fails' }) >= 2]).toEqual([true, true]);
  expect(scraped.sum('tributary_cache_results_total', { source: 'profile', tier: 'memory', result: 'miss' })).toBe(4);
  expect(scraped.sum('tributary_batch_size_count', { source: 'profile' })).toBe(4);
  expect(scraped.sum('tributary_cache_bytes')).toBeGreaterThan(0);
  expect(scraped.sum('process_resident_memory_bytes')).toBeGreaterThan(1e7);
  expect(scraped.sum('process_cpu_seconds_total')).toBeGreaterThan(0);
});

test('a failed answer says of what; what was shed is counted as that alone', async () => {
  await using service = await start({ IN_FLIGHT_MAX: '1', ADMISSION: 'off' });
  upstream.answer(hang);
  const before = upstream.requests.length;
  const waiting = service.ask(5);
  await upstream.received(before + 1);
  expect((await scrape(service)).sum('tributary_in_flight_requests')).toBe(1);
  expect((await service.ask(6)).status).toBe(503);
  expect((await service.ask(6, { headers: { priority: 'u=7' } })).status).toBe(503);
  expect((await waiting).json).toMatchObject({ errors: [{ code: 'deadline_exceeded' }] });
  await counted(service, 1);
  const scraped = await scrape(service);
  expect([scraped.sum('tributary_shed_total'), scraped.sum('tributary_shed_total', { priority: 'user' })]).toEqual([2, 2]);
  expect(scraped.sum('tributary_part_duration_seconds_count', { part: 'recommendations', state: 'missing', code: 'deadline_exceeded' })).toBe(1);
  await using lost = await start({ DATABASE_URL: 'postgres://127.0.0.1:9/none' });
  expect((await lost.ask(1)).status).toBe(502);
  await counted(lost, 1);
  expect((await scrape(lost)).sum(requests, { http_response_status_code: '502', error_type: 'source_failed' })).toBe(1);
});

test('every metric of a real process is in docs/metrics.md, and the other way round; none tells what the process was started with', async () => {
  await using service = await start();
  upstream.answer(json([]));
  await service.ask(1);
  await counted(service, 1);
  const { names, text, series } = await scrape(service);
  const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  expect(names).toEqual([...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name));
  expect(text).not.toContain('target_info');
  expect(text).not.toContain(database.url);
  expect(new Set(series).size).toBe(series.length);
});

test('a thousand users and a thousand paths make no series of their own', async () => {
  await using service = await start();
  upstream.answer(json([]));
  using connection = keepAlive();
  const ask = async (id: number) => {
    await service.ask(`user-${id}`, { connection });
    await request(`${service.url}/no/${id}`, { connection });
  };
  await service.ask(1, { connection });
  await ask(0);
  await counted(service, 3);
  const before = (await scrape(service)).series;
  for (let id = 1; id <= 1_000; id++) await ask(id);
  await counted(service, 2_003);
  expect((await scrape(service)).series).toEqual(before);
});
