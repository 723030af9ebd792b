import { afterAll, beforeAll, expect, test } from 'vitest';
import { hang, json } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { eventually } from '../support/redis.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { scrape } from './scraped.ts';
import { type Environment, startService } from './service.ts';

let database: Database;
let upstream: Upstream;

beforeAll(async () => {
  [database, upstream] = await Promise.all([seedDatabase(), startUpstream()]);
  upstream.answer(json(['a', 'b']));
});
afterAll(() => Promise.all([database.drop(), upstream.stop()]));

interface Told {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string }[] };
    readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[];
  }[];
}

interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: { readonly isMonotonic: boolean };
  readonly histogram?: { readonly dataPoints: readonly { readonly attributes: readonly unknown[]; readonly count: number; readonly bucketCounts: readonly number[]; readonly explicitBounds: readonly number[] }[] };
}

/** JSON, so that it can be read here; what is sent is the same as in protobuf. */
const pushing = (collector: Upstream, more: Environment = {}) => startService({
  DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_METRIC_EXPORT_INTERVAL: '50', ...more,
});

test('what is counted is pushed under the names and units of OpenTelemetry', async () => {
  await using collector = await startUpstream();
  await using service = await pushing(collector);
  await service.ask(1);
  let told: Told | undefined;
  const last = (name: string) => told?.resourceMetrics[0]!.scopeMetrics.flatMap(({ metrics }) => metrics).find((metric) => metric.name === name);
  for (let at = 1; last('http.server.request.duration')?.histogram?.dataPoints[0]?.count !== 1; at++) {
    const asked = await collector.received(at);
    await asked.closed;
    if (asked.url === '/v1/metrics') told = JSON.parse(asked.body) as Told;
  }
  expect(last('http.server.request.duration')).toMatchObject({ unit: 's', histogram: { aggregationTemporality: 2 } });
  const [point] = last('http.server.request.duration')!.histogram!.dataPoints;
  expect([point!.bucketCounts.length, point!.explicitBounds.length]).toEqual([15, 14]);
  expect(point!.attributes).toEqual([
    { key: 'http.request.method', value: { stringValue: 'GET' } }, { key: 'http.route', value: { stringValue: '/api/aggregated' } }, { key: 'http.response.status_code', value: { stringValue: '200' } },
  ]);
  expect(last('tributary.answers')).toMatchObject({ sum: { isMonotonic: true, dataPoints: [{ asDouble: 1 }] } });
  expect(last('process.resident_memory')).toMatchObject({ unit: 'By', gauge: {} });
  const keys = told!.resourceMetrics[0]!.resource.attributes.map(({ key }) => key);
  expect(keys).toContain('service.name');
  expect(keys.filter((key) => key.startsWith('process.'))).toEqual([]);
});

test.for<[string, Environment, readonly string[]]>([
  ['metrics alone, where traces are switched off', { OTEL_TRACES_EXPORTER: 'none' }, ['/v1/metrics']],
  ['traces alone, where metrics are', { OTEL_METRICS_EXPORTER: 'none' }, ['/v1/traces']],
  ['both by default', {}, ['/v1/metrics', '/v1/traces']],
])('pushed are %s', async ([, environment, expected]) => {
  await using collector = await startUpstream();
  await using service = await pushing(collector, environment);
  await service.ask(1);
  service.signal('SIGTERM');
  // What was recorded and counted leaves at the end.
  expect(await service.ended()).toBe(0);
  expect([...new Set(collector.requests.map(({ url }) => url))].toSorted()).toEqual(expected);
});

test('a collector that says nothing holds up neither requests nor scrapes nor the end', async () => {
  await using collector = await startUpstream();
  collector.answer(hang);
  await using service = await pushing(collector);
  await collector.received(1);
  for (let id = 1; id <= 20; id++) expect((await service.ask(id)).status).toBe(200);
  await eventually(async () => (await scrape(service)).sum('tributary_answers_total') === 20, () => 'expected 20 answers', 10_000);
  service.signal('SIGTERM');
  expect(await service.ended()).toBe(0);
});
