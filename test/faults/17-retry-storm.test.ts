import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, json, reset, status } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

// Row 17: what an outage sets off ends with it, and does not make it worse.
const saw = sometimes('a full outage', 'the guard refused', 'an attempt was retried', 'a part that was missing is there again');

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

interface Told {
  readonly recommendations: readonly string[];
  readonly errors?: readonly { readonly code: string }[];
}

/** Twelve who ask without a pause, each time in a trace of their own: of two requests in one trace the second is a retry. */
function load(gateway: Gateway) {
  const replies: { readonly status: number; readonly json: Told }[] = [];
  const over = new AbortController();
  const one = async (id: number) => {
    while (!over.signal.aborted) {
      const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
      const { status, json } = await gateway.ask(id, { headers: { traceparent } });
      replies.push({ status, json: json as Told });
    }
  };
  const all = Promise.all(Array.from({ length: 12 }, (_, at) => one(at + 1)));
  return {
    replies,
    codes: (from: number) => new Set(replies.slice(from).flatMap(({ json }) => json.errors ?? []).map(({ code }) => code)),
    until: (holds: () => boolean, what: string, timeoutMs = 40_000) => until(holds, () => `expected ${what} among ${replies.length} replies`, timeoutMs),
    async stop() {
      over.abort();
      await all;
    },
  };
}

/** What the upstream was asked, and how much of it a second time. */
function counted({ upstream }: Gateway, from = 0) {
  const traces = upstream.requests.slice(from).map(({ headers }) => String(headers['traceparent']).split('-')[1]);
  const first = new Set(traces).size;
  return { first, extra: traces.length - first };
}

test.each<[string, Answer]>([
  ['resets every connection', reset],
  ['is busy and asks to come again at once', status(503, '', { 'retry-after': '0' })],
])('an upstream that %s: retries stay within a tenth, the guard lets it rest, and afterwards all is as before', async (_, fault) => {
  await using gateway = await startGateway({ database });
  const running = load(gateway);
  await running.until(() => running.replies.length >= 200, '200 replies before the outage');
  const whole = running.replies.length;

  const before = gateway.upstream.requests.length;
  gateway.upstream.answer(fault);
  await running.until(() => running.codes(whole).has('source_resting'), 'a part that is resting');
  const resting = running.replies.length;
  await running.until(() => running.replies.length >= resting + 1_000, 'a thousand replies while it rests');
  const during = counted(gateway, before);
  const asked = running.replies.length - whole;
  saw('a full outage', running.replies.slice(resting).every(({ json }) => json.errors !== undefined));
  saw('the guard refused', during.first < asked);
  saw('an attempt was retried', during.extra > 0);
  const ever = counted(gateway);
  expect(ever.extra).toBeLessThanOrEqual(ever.first / 10);
  // It rests: of what it was asked while it did, most never came.
  expect(during.first + during.extra).toBeLessThan(asked / 2);
  expect(new Set(running.replies.map(({ status }) => status))).toEqual(new Set([200]));

  gateway.upstream.answer(json(['back']));
  const recovered = (count: number) => running.replies.length > count && running.replies.slice(-count).every(({ json }) => json.errors === undefined);
  await running.until(() => recovered(200), '200 whole replies in a row');
  saw('a part that was missing is there again', running.replies.at(-1)?.json.recommendations[0] === 'back');
  await running.stop();
  const last = counted(gateway);
  expect(last.extra).toBeLessThanOrEqual(last.first / 10);
});
