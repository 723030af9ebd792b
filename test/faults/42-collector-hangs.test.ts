// Row 42. The collector of traces accepts connections and never answers, or falls silent in the middle: requests are
// answered as ever, what waits to be exported is bounded, and the process ends in time.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { json } from '../support/answers.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import type { Database } from '../support/postgres.ts';
import { eventually } from '../support/redis.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { traffic } from '../support/traffic.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from '../system/gateway.ts';
import { scrape } from '../system/scraped.ts';
import { startService } from '../system/service.ts';
import { traceIdOf } from '../system/traces.ts';
import { expectComplete } from './complete.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('the collector was connected to', 'spans were dropped', 'the metrics said that spans were dropped', 'spans arrived once it answered again', 'the process ended while it hung');

let database: Database;
let upstream: Upstream;

beforeAll(async () => {
  [database, upstream] = await Promise.all([seedDatabase(), startUpstream()]);
  upstream.answer(json(['a', 'b']));
});
afterAll(() => Promise.all([database.drop(), upstream.stop()]));

const queueMax = 100;
const batchMax = 50;
const requestsMeanwhile = 300;

/** A service all of whose requests are sampled, and its collector behind a network. */
const startSampled = (relay: Relay, more: Readonly<Record<string, string>> = {}) => startService({
  DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url,
  OTEL_EXPORTER_OTLP_ENDPOINT: relay.url, OTEL_TRACES_SAMPLER: 'always_on', OTEL_BSP_SCHEDULE_DELAY: '20', ...more,
});

test('a collector that never answers holds up no request, and what waits for it is bounded', async () => {
  await using receiver = await startOtlpReceiver();
  await using relay = await startRelay(receiver.url);
  relay.welcome('swallow');
  await using service = await startSampled(relay, {
    OTEL_BSP_MAX_QUEUE_SIZE: String(queueMax), OTEL_BSP_MAX_EXPORT_BATCH_SIZE: String(batchMax),
    // Longer than the requests below take: an export that is under way stays so.
    OTEL_BSP_EXPORT_TIMEOUT: '5000', OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
  });
  await service.ask(20);
  await relay.accepted(1);
  saw('the collector was connected to');
  const requests = traffic((user, options) => service.ask(user, options));
  await requests.more(requestsMeanwhile);
  const replies = await requests.stop();
  expectComplete(replies);
  // Of the half a dozen spans of each request, all but what the queue holds and what is being exported.
  saw('the metrics said that spans were dropped', (await scrape(service)).sum('tributary_spans_dropped_total') > requestsMeanwhile);
  relay.welcome('pass on');
  // Whatever is still queued leaves before what is traced from now on.
  const after = new Set<string>();
  await eventually(async () => {
    after.add(traceIdOf(await service.ask(20)));
    return receiver.spans.some(({ traceId }) => after.has(traceId));
  }, () => 'expected spans to arrive again', 20_000);
  saw('spans arrived once it answered again');
  const meanwhile = new Set(replies.map(traceIdOf));
  const kept = receiver.spans.filter(({ traceId }) => meanwhile.has(traceId)).length;
  // Of half a dozen spans for each request: what the queue holds, and what was being exported.
  expect(kept).toBeLessThanOrEqual(queueMax + batchMax);
  saw('spans were dropped', kept < replies.length);
});

test('a collector that falls silent does not keep the process from ending', async () => {
  await using receiver = await startOtlpReceiver();
  await using relay = await startRelay(receiver.url);
  await using service = await startSampled(relay);
  await service.ask(20);
  await receiver.waitFor((spans) => spans.length > 0, { timeoutMs: 20_000 });
  relay.welcome('swallow');
  relay.silence();
  const requests = traffic((user, options) => service.ask(user, options));
  await requests.more(50);
  expectComplete(await requests.stop());
  service.signal('SIGTERM');
  expect(await service.ended()).toBe(0);
  saw('the process ended while it hung', service.log.some(({ msg }) => msg === 'ended'));
  expect(service.log.filter(({ level }) => Number(level) > 40)).toEqual([]);
});
