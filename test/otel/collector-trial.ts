import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from '../../demo/process/free-port.ts';
import { leash } from '../../demo/process/leash.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { bounded } from '../support/until.ts';

interface Sent {
  readonly name: string;
  readonly tookMs?: number;
  readonly root?: Readonly<Record<string, string | number | boolean>>;
  /** What failed below it, if anything did. */
  readonly error?: string;
}

const complete = { 'tributary.complete': true, 'http.response.status_code': 200 };

/** Of each one trace; all of them are to be kept. */
const kept: readonly Sent[] = [
  { name: 'failed', root: { 'tributary.complete': false, 'http.response.status_code': 502 }, error: 'source_failed' },
  { name: 'mended', error: 'deadline_exceeded' },
  { name: 'incomplete', root: { 'tributary.complete': false, 'http.response.status_code': 200 } },
  { name: 'slow', tookMs: 600 },
];

/** Of each many; about one in twenty is to be kept. */
const thinned: readonly Sent[] = [
  { name: 'usual' },
  { name: 'unknown user', root: { 'tributary.complete': false, 'http.response.status_code': 404 }, error: 'not_found' },
  { name: 'refused', root: { 'tributary.complete': false, 'http.response.status_code': 429 } },
];
const many = 400;
// 20 are to be expected, give or take 4.
const atMost = 60;

/** Runs the collector at `path` with otel/collector.yaml, sends it traces, and looks at which of them it passes on. */
export async function tryCollector(path: string, config: string): Promise<string> {
  await using backend = await startOtlpReceiver();
  const http = await freePort();
  const child = spawn(path, ['--config', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      TRACES_ENDPOINT: backend.url, OTLP_HTTP: `127.0.0.1:${http}`, OTLP_GRPC: `127.0.0.1:${await freePort(http + 1)}`,
      COLLECTOR_METRICS_HOST: '127.0.0.1', COLLECTOR_METRICS_PORT: String(await freePort(http + 100)), DECISION_WAIT: '1s', LOG_LEVEL: 'info',
    },
  });
  const held = leash(child.pid!, 'TERM');
  const ended = once(child, 'exit');
  try {
    const ready = Promise.withResolvers<undefined>();
    let last = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      last = line;
      if (line.includes('Everything is ready')) ready.resolve(undefined);
    });
    const gone = ended.then(() => { throw new Error(`expected the collector to run, but it ended: ${last}`); });
    await bounded(Promise.race([ready.promise, gone]), () => `expected the collector to be ready, but it said ${last}`, 20_000);
    gone.catch(() => undefined);
    await send(http, [...thinned.flatMap((one) => Array.from({ length: many }, () => one)), ...kept]);
    await backend.waitFor((spans) => kept.every(({ name }) => spans.some((span) => span.name === name)), { timeoutMs: 20_000 });
  } finally {
    // What is decided and not yet sent is sent first.
    child.kill('SIGTERM');
    await bounded(ended, () => 'expected the collector to end', 20_000).finally(() => { child.kill('SIGKILL'); });
    held.release();
  }
  const shares = thinned.map(({ name }) => {
    const count = backend.spans.filter((span) => span.name === name).length;
    assert.ok(count > 0 && count <= atMost, `expected about 20 of ${many} traces of "${name}" to be kept, but got ${count}`);
    return `${count} of ${many} "${name}"`;
  });
  return `kept all of ${kept.map(({ name }) => name).join(', ')}; ${shares.join(', ')}`;
}

async function send(port: number, traces: readonly Sent[]): Promise<void> {
  const endedAt = Date.now();
  const spans = traces.flatMap(({ name, tookMs = 20, root = complete, error }) => {
    const traceId = randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const times = { startTimeUnixNano: `${endedAt - tookMs}000000`, endTimeUnixNano: `${endedAt}000000` };
    const failed = error === undefined ? {} : { status: { code: 2 } };
    return [
      { traceId, spanId, name, kind: 2, ...times, attributes: attributes(root), ...(root['http.response.status_code'] === 502 ? failed : {}) },
      { traceId, spanId: randomBytes(8).toString('hex'), parentSpanId: spanId, name: 'part', kind: 1, ...times, attributes: attributes(error === undefined ? {} : { 'error.type': error }), ...failed },
    ];
  });
  const reply = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  });
  assert.equal(reply.status, 200, await reply.text());
}

const attributes = (of: NonNullable<Sent['root']>) =>
  Object.entries(of).map(([key, value]) => ({ key, value: typeof value === 'boolean' ? { boolValue: value } : typeof value === 'number' ? { intValue: value } : { stringValue: value } }));
