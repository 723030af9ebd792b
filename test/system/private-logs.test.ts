import { afterAll, beforeAll, expect, test } from 'vitest';
import { json } from '../support/answers.ts';
import { request } from '../support/http-client.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import type { Database } from '../support/postgres.ts';
import { raw } from '../support/raw-http.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { type Service, startService } from './service.ts';

let database: Database;
let upstream: Upstream;
let receiver: OtlpReceiver;
let service: Service;

beforeAll(async () => {
  [database, upstream, receiver] = await Promise.all([seedDatabase(), startUpstream(), startOtlpReceiver()]);
  upstream.answer(json([]));
  service = await startService({
    DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url, LOG_LEVEL: 'trace', CACHE: 'memory', CORS_ORIGINS: '*', RATE_LIMIT: '50/1m', PROXY_HOPS: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_TRACES_SAMPLER: 'always_on',
  });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await Promise.all([upstream.stop(), receiver.stop(), database.drop()]);
});

/** Every secret, and every id of a user or a client, has this in it. */
const mark = 'canary';
const secrets = {
  authorization: `Bearer ${mark}.token.signature`,
  cookie: `session=${mark}`,
  'x-api-key': mark,
  'proxy-authorization': `Basic ${mark}`,
  'user-agent': mark,
  referer: `https://shop.example/${mark}`,
  origin: `https://${mark}.example`,
  baggage: `user=${mark}`,
  tracestate: `a=${mark}`,
  'if-none-match': `"${mark}"`,
  'last-event-id': mark,
  'x-forwarded-for': `${mark}, 203.0.113.77`,
};

test('of what clients send neither logs nor spans hold anything that tells who they are or lets others be them', async () => {
  const asked = [
    `/api/aggregated?user_id=${mark}`,
    `/api/aggregated?user_id=${mark}!`,
    `/api/aggregated?user_id=1&access_token=${mark}`,
    `/api/aggregated?user_id=1&access_token=${mark}`,
    `/${mark}`,
    `/${'a'.repeat(9_000)}${mark}`,
  ];
  for (const path of asked) {
    for (const options of [{}, { headers: { accept: 'text/event-stream' } }, { method: 'OPTIONS', headers: { 'access-control-request-method': 'GET' } }, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: mark }) }]) {
      await request(`${service.url}${path}`, { ...options, headers: { ...secrets, ...options.headers } });
    }
  }
  upstream.answer(json({ nonsense: mark }));
  await request(`${service.url}/api/aggregated?user_id=2`, { headers: secrets });
  await raw(service.url, `GET /${mark} HTTP/1.1\r\nHost: ${mark}\r\nAuthorization: Bearer ${mark}\0\r\n\r\n`);
  await raw(service.url, `${mark}\r\n\r\n`);
  const refused = Array.from({ length: 60 }, () => request(`${service.url}/api/aggregated?user_id=${mark}`, { headers: secrets }));
  expect((await Promise.all(refused)).some(({ status }) => status === 429)).toBe(true);
  const lines = await service.lines(({ msg }) => msg === 'request', asked.length * 4 + 3 + refused.length);
  expect(new Set(lines.map(({ status }) => status))).toEqual(new Set([200, 204, 400, 404, 405, 414, 429]));
  expect(service.log.filter(({ level }) => Number(level) >= 40).length).toBeGreaterThan(0);
  const spans = await receiver.waitFor((all) => all.filter(({ name }) => name.startsWith('GET')).length > 10);
  const written = JSON.stringify([service.log, service.stderr, spans], (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  expect(written).not.toContain(mark);
  expect(written).not.toContain('203.0.113.77');
});
