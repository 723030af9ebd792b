// The page in front of the real gateway: its log and its traces, as `npm run dev` connects them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeService } from '../../../demo/dev/viewer/definitions.ts';
import { tracingTo } from '../../../demo/dev/viewer/tracing.ts';
import { Viewer } from '../../../demo/dev/viewer/viewer.ts';
import type { Row, Waterfall } from '../../../demo/dev/viewer/waterfall.ts';
import { json, status } from '../../support/answers.ts';
import { type Exchange, open, request } from '../../support/http-client.ts';
import { type Database, lockTable, waitUntilBusy } from '../../support/postgres.ts';
import { readSse } from '../../support/stream-readers.ts';
import { bounded } from '../../support/until.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';
import { seedDatabase } from '../../system/gateway.ts';
import { type Service, startService } from '../../system/service.ts';
import { traceIdOf } from '../../system/traces.ts';

let database: Database;
let upstream: Upstream;
let viewer: Viewer;
let service: Service;

beforeAll(async () => {
  [database, upstream] = await Promise.all([seedDatabase(), startUpstream()]);
  // The port of a service is known when it listens, and this one sends its traces before.
  const gateway = { get url() { return service.url; } };
  viewer = await Viewer.start({ port: 0, aggregates: await describeService(), gateway });
  service = await startService({ DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, ...tracingTo(viewer.endpoint, {}) });
  upstream.answer(json(['a', 'b']));
  await service.ask(20);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await viewer.close();
  await Promise.all([upstream.stop(), database.drop()]);
});

/** Looks whenever the page is told of something: resolves with the trace once it `has` what it should. */
async function traceWith(traceId: string, has: (trace: Waterfall) => boolean): Promise<Waterfall> {
  using page: Exchange = await open(`${viewer.endpoint}/_dev/events`);
  const looking = async () => {
    for await (const _ of readSse(await page.response)) {
      const reply = await request(`${viewer.endpoint}/_dev/traces/${traceId}`);
      if (reply.status === 200 && has(reply.json as Waterfall)) return reply.json as Waterfall;
    }
    throw new Error('expected the trace, but the stream ended');
  };
  return await bounded(looking(), () => `expected trace ${traceId}`, 10_000);
}

const line = ({ depth, name, from, state }: Row) => `${'  '.repeat(depth)}${name}${from === 'own' ? '' : ` (${from})`}${state ? `: ${state}` : ''}`;
const served = ({ rows }: Waterfall) => rows.some(({ kind, from }) => kind === 'server' && from === 'own');

test('a request is drawn with its parts, their queries and its log lines', async () => {
  upstream.answer(status(500));
  const reply = await service.ask(1);
  upstream.answer(json(['a', 'b']));
  const id = traceIdOf(reply);
  for (const logged of await service.lines((each) => each['trace_id'] === id && each['msg'] === 'request', 1)) viewer.log(JSON.stringify(logged));
  for (const logged of service.log.filter((each) => each['trace_id'] === id && each['msg'] !== 'request')) viewer.log(JSON.stringify(logged));
  const trace = await traceWith(id, served);
  expect(trace.request).toMatchObject({ status: 200, missing: { recommendations: 'source_failed' } });
  expect(trace.rows.map(line).toSorted()).toEqual([
    '    GET /recommendations', '    SELECT analytics', '    SELECT users', '  analytics: live', '  recommendations: missing', '  user_data: live', 'GET /api/aggregated',
  ]);
  expect(trace.rows.find(({ name }) => name === 'SELECT users')?.attributes['db.query.text']).toMatch(/^select .* from users/);
  expect(trace.logs.map(({ msg }) => msg)).toContain('request');
});

test('a batch that another request started is drawn below the part that waited for it', async () => {
  const before = upstream.requests.length;
  const locks = await Promise.all(['users', 'analytics'].map((table) => lockTable(database.url, table)));
  // Two queries of each table are under way, so the next two requests wait together and travel in one of each.
  const ahead = [service.ask(1)];
  await waitUntilBusy(database.url, { count: 2 });
  ahead.push(service.ask(2));
  await waitUntilBusy(database.url, { count: 4 });
  const shared = [service.ask(3)];
  await upstream.received(before + 3);
  shared.push(service.ask(4));
  await upstream.received(before + 4);
  await Promise.all(locks.map((lock) => lock.release()));
  const [, follower] = await Promise.all([...shared, ...ahead]);
  const trace = await traceWith(traceIdOf(follower!), (each) => served(each) && each.rows.filter(({ from }) => from === 'shared').length === 4);
  const drawn = trace.rows.map(line);
  const at = drawn.indexOf('  user_data: live');
  expect(drawn.slice(at, at + 3)).toEqual(['  user_data: live', '    batch (shared)', '      SELECT users (shared)']);
});

test('asked from the page, parts come as they land, and their trace is there to see', async () => {
  using asked = await open(`${viewer.endpoint}/_dev/ask/api/aggregated?user_id=5`);
  const response = await asked.response;
  const events: string[] = [];
  for await (const { event } of readSse(response)) events.push(event);
  expect(events).toEqual(['part', 'part', 'part', 'end']);
  const trace = await traceWith(String(response.headers['traceresponse']).split('-')[1]!, served);
  expect(trace.rows[0]?.name).toBe('GET /api/aggregated');
});
