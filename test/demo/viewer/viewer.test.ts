import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { BatchSpanProcessor, SimpleSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Viewer } from '../../../demo/dev/viewer/viewer.ts';
import type { Waterfall } from '../../../demo/dev/viewer/waterfall.ts';
import { json } from '../../support/answers.ts';
import { open, request } from '../../support/http-client.ts';
import { watchLeaks } from '../../support/leaks.ts';
import { readSse } from '../../support/stream-readers.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';
import { record, traceOne } from './recorded.ts';

const shape = { name: 'overview', summary: undefined, deadlineMs: 2_000, access: 'public', fields: ['user_id'], parts: [] };

let gateway: Upstream;
let viewer: Viewer;
beforeEach(async () => {
  gateway = await startUpstream();
  viewer = await Viewer.start({
    port: 0, max: 3, aggregates: [{ ...shape, route: '/api/overview' }],
    gateway: { url: gateway.url, tokenFor: (user) => Promise.resolve(`token of ${user}`) },
  });
});
afterEach(async () => {
  await viewer.close();
  await gateway.stop();
});

const traceUrl = (id: string) => `${viewer.endpoint}/_dev/traces/${id}`;
const accessLine = (id = traceOne, more: object = {}) =>
  JSON.stringify({ level: 30, time: '2026-01-01T00:00:00.000Z', msg: 'request', method: 'GET', route: '/api/overview', status: 200, duration_ms: 3.2, trace_id: id, span_id: '00f067aa0ba902b7', ...more });

test.each([CompressionAlgorithm.NONE, CompressionAlgorithm.GZIP])('what the real exporter sends in JSON is shown as it was recorded (%s)', async (compression) => {
  const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${viewer.endpoint}/v1/traces`, compression }) })] });
  const id = record(provider);
  await provider.shutdown();
  const { rows, request: summary, startMs } = (await request(traceUrl(id))).json as Waterfall;
  expect(startMs).toBeCloseTo(1_700_000_000_123.456, 3);
  expect(summary).toMatchObject({ method: 'GET', route: '/api/overview', status: 504 });
  expect(rows).toMatchObject([
    { name: 'GET /api/overview', kind: 'server', depth: 0, startMs: 0, orphan: false },
    { name: 'user_data', kind: 'internal', depth: 1, error: 'deadline_exceeded', state: 'missing', attributes: { list: ['a', 'é'], half: 0.5, yes: true, whole: -42 } },
    { name: 'SELECT users', kind: 'client', depth: 2, error: 'no answer', attributes: { 'db.query.text': 'select 1' }, links: [{ traceId: traceOne, spanId: 'b7ad6b7169203331' }] },
  ]);
  expect(rows[0]?.durationMs).toBeCloseTo(10, 2);
});

test('an exporter that speaks protobuf is told what to set', async () => {
  const failed = Promise.withResolvers<Error | undefined>();
  const exporter = new ProtobufExporter({ url: `${viewer.endpoint}/v1/traces` });
  const watched: SpanExporter = { export: (spans, done) => { exporter.export(spans, (result) => { failed.resolve(result.error); done(result); }); }, shutdown: () => exporter.shutdown() };
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: watched })] });
  provider.getTracer('tributary').startSpan('any').end();
  expect(await failed.promise).toMatchObject({ code: 415, data: 'expected OTEL_EXPORTER_OTLP_PROTOCOL=http/json, but got application/x-protobuf' });
  await provider.shutdown();
});

test.each([
  ['no JSON', '{"half":', 400],
  ['no spans', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}', 400],
  ['null', 'null', 400],
  ['more than anybody sends', 'x'.repeat(17 * 1024 * 1024), 413],
])('an export that is %s is refused', async (_, body, status) => {
  const reply = await request(`${viewer.endpoint}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  expect([reply.status, reply.text]).toEqual([status, expect.stringMatching(/^expected .* but got/s)]);
});

test('metrics and logs are thanked for', async () => {
  expect((await request(`${viewer.endpoint}/v1/metrics`, { method: 'POST', body: 'anything' })).status).toBe(200);
});

test('the log lines of a trace are shown with it; lines of no trace are not kept', async () => {
  viewer.log('listening on 8080');
  viewer.log('{"half":');
  viewer.log('{"level":30,"msg":"of nobody"}');
  viewer.log(JSON.stringify({ level: 40, time: '2026-01-01T00:00:00.000Z', trace_id: traceOne, span_id: '00f067aa0ba902b7', msg: 'redis is away', err: { stack: 'Error: no' } }));
  viewer.log(accessLine());
  const { logs, request: summary } = (await request(traceUrl(traceOne))).json as Waterfall;
  expect(logs).toMatchObject([{ level: 'warn', msg: 'redis is away', spanId: '00f067aa0ba902b7', fields: { err: { stack: 'Error: no' } } }, { level: 'info', msg: 'request' }]);
  expect(summary).toMatchObject({ status: 200, durationMs: 3.2 });
});

test('pages hear at once of what is known, and then of what comes', async () => {
  viewer.log(accessLine());
  using page = await open(`${viewer.endpoint}/_dev/events`);
  const events = readSse(await page.response);
  expect(JSON.parse((await events.next()).value?.data ?? '')).toMatchObject({ requests: [{ traceId: traceOne }] });
  const next = '1'.repeat(32);
  viewer.log(accessLine(next));
  viewer.log(accessLine(next, { status: 502 }));
  for await (const { event, data } of events) {
    if (event !== 'changed') continue;
    expect(JSON.parse(data)).toMatchObject([{ traceId: next, status: 502 }]);
    break;
  }
});

test('a request is counted once, though its line and its span tell of it', async () => {
  using page = await open(`${viewer.endpoint}/_dev/events`);
  viewer.log(accessLine());
  const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${viewer.endpoint}/v1/traces` }) })] });
  record(provider);
  await provider.shutdown();
  for await (const { event, data } of readSse(await page.response)) {
    if (event !== 'rates') continue;
    expect(JSON.parse(data)).toMatchObject({ '/api/overview': { perSecond: 0.1, parts: { user_data: { states: { missing: 0.1 }, asks: ['SELECT users'] } } } });
    break;
  }
});

test('when the last page has gone nothing is left running, nor when the viewer ends before its pages', async () => {
  using watch = watchLeaks({ allow: ({ madeAt }) => madeAt === undefined });
  const page = await open(`${viewer.endpoint}/_dev/events`);
  await readSse(await page.response).next();
  viewer.log(accessLine());
  page.destroy();
  await page.closed;
  const other = await open(`${viewer.endpoint}/_dev/events`);
  await readSse(await other.response).next();
  viewer.log(accessLine());
  await viewer.close();
  await viewer.close();
  await watch.assertNone();
});

test('an aggregate is asked with a token for the user, and its stream passed on', async () => {
  gateway.answer(json({ user: 42 }));
  const reply = await request(`${viewer.endpoint}/_dev/ask/api/overview?user_id=42`, { headers: { 'x-demo-user': '7' } });
  expect([reply.status, reply.json]).toEqual([200, { user: 42 }]);
  expect(gateway.requests.at(-1)).toMatchObject({ url: '/api/overview?user_id=42', headers: { accept: 'text/event-stream', authorization: 'Bearer token of 7' } });
  await request(`${viewer.endpoint}/_dev/ask/api/overview?user_id=42`);
  expect(gateway.requests.at(-1)?.headers).not.toHaveProperty('authorization');
});

test('nothing but aggregates is asked, and a gateway that is away is said to be', async () => {
  expect((await request(`${viewer.endpoint}/_dev/ask/admin`)).status).toBe(404);
  expect(gateway.requests).toEqual([]);
  await gateway.stop();
  expect(await request(`${viewer.endpoint}/_dev/ask/api/overview`)).toMatchObject({ status: 502 });
});

test('the page and its scripts are served, run nothing but themselves, and nothing else of the disk is', async () => {
  const page = await request(viewer.page);
  expect(page.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/) as string });
  const wanted = [...page.text.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, path]) => path!);
  expect(wanted).toEqual(['/_dev/page.css', '/_dev/main.js']);
  for (const path of wanted) {
    const { status, text } = await request(viewer.endpoint + path);
    expect(status).toBe(200);
    for (const [, name] of text.matchAll(/from '\.\/([^']+)'/g)) expect((await request(`${viewer.endpoint}/_dev/${name}`)).status, name).toBe(200);
    expect(text).not.toMatch(/https?:/);
  }
  expect(page.text).not.toMatch(/https?:| style=| on\w+=|<script>/);
  for (const path of ['/_dev/../viewer/viewer.ts', '/_dev/%2e%2e/banner.ts', '/_dev/constructor', '/etc/passwd', '/_dev/traces/nothing']) {
    expect((await request(viewer.endpoint + path)).status, path).toBe(404);
  }
});

test.each([
  ['a name that leads here', { host: 'evil.example' }],
  ['another port', { host: '127.0.0.1:1' }],
  ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
  ['another server of this machine', { 'sec-fetch-site': 'same-site' }],
])('whoever comes by %s is refused', async (_, headers) => {
  for (const path of ['/_dev', '/_dev/events', '/_dev/ask/api/overview', '/v1/traces']) expect((await request(viewer.endpoint + path, { headers })).status).toBe(403);
  expect(gateway.requests).toEqual([]);
});

test('as many traces are kept as were asked for', async () => {
  for (const digit of ['1', '2', '3', '4']) viewer.log(accessLine(digit.repeat(32)));
  expect((await request(traceUrl('1'.repeat(32)))).status).toBe(404);
  expect((await request(traceUrl('4'.repeat(32)))).status).toBe(200);
});
