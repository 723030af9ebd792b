import { hang, json, status } from '../support/answers.ts';
import { bearer, jwksOf, newPair, rules, token } from '../support/issuer.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import type { ReceivedSpan } from '../support/otlp-spans.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { startUpstream } from '../support/upstream.ts';
import { listed, type Metric, metrics } from '../otel/metric-names.ts';
import { seedDatabase } from './gateway.ts';
import { type Scraped, scrape } from './scraped.ts';
import { type Service, startService } from './service.ts';

export interface Captured {
  readonly scraped: Scraped;
  readonly spans: readonly ReceivedSpan[];
}

const user = (id: number) => ({ sub: String(id) });

/** Metrics and spans of a service with everything switched on, after all kinds of requests: kept, incomplete, failed, refused, limited, shed. */
export async function capture(): Promise<Captured> {
  await using redis = await startRedis();
  await using database = await seedDatabase();
  await using one = await startUpstream();
  await using other = await startUpstream();
  await using issuer = await startUpstream();
  await using receiver = await startOtlpReceiver();
  const pair = await newPair('one');
  issuer.answer(json(jwksOf(pair)));
  for (const upstream of [one, other]) upstream.answer(json(['a', 'b']));
  await using service = await startService({
    DATABASE_URL: database.url, RECOMMENDATIONS_URL: `${one.url},${other.url}`, REDIS_URL: redis.url, CACHE: 'redis', CACHE_NOTIFY: 'off',
    AUTH: 'jwt', JWT_ISSUER: rules.issuer, JWT_AUDIENCE: 'tributary', JWT_JWKS_URL: `${issuer.url}/keys`,
    RATE_LIMIT: '100/10m', IN_FLIGHT_MAX: '2', ADMISSION: 'on',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_METRICS_EXPORTER: 'none',
    OTEL_TRACES_SAMPLER: 'parentbased_always_on', TRUST_TRACEPARENT: 'true',
  });
  const as = async (id: number) => ({ headers: { authorization: bearer(await token(pair, user(id))) } });
  const unrecorded = async (id: number) => ({ headers: { ...(await as(id)).headers, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' } });
  await service.ask(1);
  for (let turn = 0; turn < 3; turn++) await service.ask(1, await unrecorded(1));
  await service.ask(1, await as(1));
  await service.ask(99, await as(99));
  await live(service, await as(1));
  // Two at once are a brownout, and a third is shed: one user that is not kept, whose part hangs.
  for (const upstream of [one, other]) upstream.answer(hang);
  const before = one.requests.length + other.requests.length;
  const waiting = service.ask(2, await as(2));
  await until(() => one.requests.length + other.requests.length > before, () => 'expected the recommender to be asked');
  await service.ask(3, await as(3));
  const lent = service.ask(4, { headers: { ...(await as(4)).headers, accept: 'application/x-ndjson' } });
  await Promise.all([service.ask(5, await as(5)), service.ask(6, await as(6)), service.ask(7, await as(7))]);
  await Promise.all([waiting, lent]);
  for (const upstream of [one, other]) upstream.answer(status(500));
  for (let id = 8; id < 20; id++) await service.ask(id, await as(id));
  const limited = await as(20);
  for (let turn = 0; turn < 102; turn++) await service.ask(20, limited);
  await database.drop();
  await service.ask(21, await as(21));
  await receiver.waitFor((spans) => spans.some(({ attributes }) => attributes['http.response.status_code'] === 502));
  return { scraped: await scrape(service), spans: receiver.spans };
}

/** Watches somebody until their part has been asked for again, and leaves. */
async function live(service: Service, { headers }: { readonly headers: Readonly<Record<string, string>> }): Promise<void> {
  const reply = await fetch(`${service.url}/api/aggregated/live?user_id=1`, { headers });
  await fetch(`${service.adminUrl}/cache/invalidate?tag=users:1`, { method: 'POST' });
  await untilCounted(service, 'tributary_live_asks_total{');
  await reply.body!.cancel();
  await untilCounted(service, 'tributary_live_ends_total{');
}

/** Looks again and again: nobody tells of a metric. */
async function untilCounted(service: Service, series: string): Promise<void> {
  for (let looks = 0; looks < 1_000; looks++) {
    if ((await service.probe('/metrics')).text.includes(series)) return;
  }
  throw new Error(`expected ${series} among the metrics, but it did not come`);
}

/** The metrics of a scrape, as those of the page are known: histograms by the names of their series, and with the labels that were seen. */
export function metricsIn({ text, series }: Scraped): ReadonlyMap<string, Metric> {
  const kinds = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) => [name!, kind!]));
  const found = new Map<string, Metric>();
  for (const one of series) {
    const [name = '', rest = ''] = one.split('{');
    const labels = [...rest.matchAll(/(\w+)="/g)].map(([, label]) => label!);
    const kind = kinds.get(name) ?? kinds.get(name.replace(/_(bucket|sum|count)$/, '')) ?? '';
    found.set(name, { kind, labels: [...new Set([...(found.get(name)?.labels ?? []), ...labels])], values: metrics.get(name)?.values ?? [] });
  }
  return found;
}

/** The series of a scrape for promtool, as if they had gone on for so many minutes; where the values of a label are listed, all of them. */
export function seriesFor({ series, text }: Scraped, minutes: number): { series: string; values: string }[] {
  const known = metricsIn({ text, series } as Scraped);
  const all = new Map<string, string>();
  for (const one of series) {
    const [name = '', rest = ''] = one.replace(/\}$/, '').split('{');
    const { kind, labels, values } = known.get(name)!;
    let made = [`${name}{job="tributary",instance="one"${rest === '' ? '' : `,${rest}`}}`];
    for (const label of labels.filter((each) => listed.has(each))) made = made.flatMap((each) => values.map((value) => each.replace(new RegExp(`\\b${label}="[^"]*"`), `${label}="${value}"`)));
    // Buckets have to grow as they do, each by at least as much as the one before.
    const le = Number(/le="([^"]*)"/.exec(rest)?.[1]?.replace('+Inf', '100') ?? 100);
    for (const each of made) all.set(each, kind === 'gauge' ? `1+0x${minutes}` : `0+${60 * Math.ceil(1 + le)}x${minutes}`);
  }
  return [...all].map(([one, values]) => ({ series: one, values }));
}
