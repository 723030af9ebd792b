import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { type Answer, flood, gzipped, hang, json, redirect, reset, resetMidBody, stalled, status, truncated } from '../support/answers.ts';
import { unreadableBodies } from '../support/hostile-bodies.ts';
import { bearer, inS, jwksOf, newPair, type Pair, token } from '../support/issuer.ts';
import type { Database } from '../support/postgres.ts';
import { startUpstream } from '../support/upstream.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { type Issued, startIssuer } from './issued.ts';
import { sometimes } from './sometimes.ts';

// Row 36: the issuer's keys change, cannot be had, or are asked for by a flood of tokens with keys that nobody knows.

const saw = sometimes('a new key worked', 'a withdrawn key stopped working', 'the issuer was down', 'keys were fetched for a stranger', 'the lane answered during an outage');

const day = 24 * 3_600;
let database: Database;
let [old, next]: Pair[] = [];

beforeAll(async () => { [database, old, next] = await Promise.all([seedDatabase(), newPair('old'), newPair('next', 'RS256')]); });
afterAll(() => database.drop());

// Only this process's monotonic clock, by which keys grow old; sockets and timers go on for real.
beforeEach(() => { vi.useFakeTimers({ toFake: ['performance'] }); });
afterEach(() => { vi.useRealTimers(); });
const later = (seconds: number): void => { vi.advanceTimersByTime(seconds * 1_000); };

interface Stage extends AsyncDisposable {
  readonly issuer: Issued;
  readonly gateway: Gateway;
  /** The status for user 1 with this token, and the code of its problem. */
  readonly ask: (text: string) => Promise<readonly [status: number, code?: unknown]>;
}

async function staged(...pairs: readonly Pair[]): Promise<Stage> {
  const issuer = await startIssuer(...pairs);
  const gateway = await startGateway({ database, authentication: issuer.tokens, cache: new Cache({ bytesMax: 1024 * 1024 }) });
  return {
    issuer, gateway,
    ask: async (text) => {
      const { status, json: body, headers } = await gateway.ask(1, { headers: { authorization: bearer(text) } });
      if (status === 503) expect(headers['retry-after']).toBe('5');
      return status === 200 ? [200] : [status, (body as { code: unknown }).code];
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

const lasting = { exp: inS(10 * day) };

test('keys are rotated in the middle of a run: no good token fails, and a withdrawn key lets nobody in', async () => {
  await using stage = await staged(old!);
  const [first, second] = await Promise.all([token(old!, lasting), token(next!, lasting)]);
  expect(await stage.ask(first)).toEqual([200]);
  stage.issuer.publish(old!, next!);
  // The first ones to bring the new key wait for it together.
  const seen = await Promise.all(Array.from({ length: 20 }, (_, at) => stage.ask(at % 2 === 0 ? first : second)));
  expect(new Set(seen.map(String))).toEqual(new Set(['200']));
  saw('a new key worked', stage.issuer.fetches === 2);
  expect(stage.issuer.server.requests.at(-1)?.url).toBe('/realms/shop/certs?p=sign');
  later(31);
  stage.issuer.publish(next!);
  expect(await stage.ask(await token(await newPair('nobody')))).toEqual([401, 'unauthenticated']);
  // It had been verified before, and was known.
  for (let turn = 0; turn < 3; turn++) expect(await stage.ask(first)).toEqual([401, 'unauthenticated']);
  expect(await stage.ask(second)).toEqual([200]);
  saw('a withdrawn key stopped working');
});

test('a flood of keys that nobody knows fetches them once in thirty seconds, and makes no good token wait', async () => {
  await using stage = await staged(old!);
  const good = await token(old!, lasting);
  const strangers = await Promise.all(Array.from({ length: 60 }, (_, at) => token(next!, {}, { kid: `forged-${at}` })));
  for (let turn = 1; turn <= 3; turn++) {
    const seen = await Promise.all([...strangers, good].map(stage.ask));
    expect([seen.at(-1), new Set(seen.slice(0, -1).map(String))]).toEqual([[200], new Set(['401,unauthenticated'])]);
    saw('keys were fetched for a stranger', stage.issuer.fetches === 1 + turn);
    for (const text of strangers.slice(0, 10)) expect(await stage.ask(text)).toEqual([401, 'unauthenticated']);
    expect(stage.issuer.fetches).toBe(1 + turn);
    later(30);
  }
});

const outages: Readonly<Record<string, Answer>> = {
  'says 500': status(500), 'says 404': status(404), 'resets connections': reset, 'resets in the middle': resetMidBody, 'hangs': hang, 'stalls': stalled, 'breaks off': truncated,
  'sends without end': flood().answer, 'sends an empty set': json({ keys: [] }), 'sends a list': json([]), 'sends secrets': json({ keys: [{ kty: 'oct', kid: 'next', k: 'c2VjcmV0' }] }),
  'sends it compressed': gzipped('{"keys":[]}'), ...Object.fromEntries(Object.entries(unreadableBodies).map(([what, answer]) => [`sends ${what}`, answer])),
};

test.each(Object.entries(outages))('an issuer that %s: old keys serve on, and what cannot be known is nobody’s fault', async (_, answer) => {
  await using stage = await staged(old!);
  const [known, fresh] = await Promise.all([token(old!, lasting), token(old!, { ...lasting, jti: 'another' })]);
  expect(await stage.ask(known)).toEqual([200]);
  stage.issuer.answer(answer);
  const [unknown, ...others] = await Promise.all([token(next!, lasting).then(stage.ask), stage.ask(known), stage.ask(fresh)]);
  expect([unknown, ...others]).toEqual([[503, 'keys_unavailable'], [200], [200]]);
  saw('the issuer was down', stage.issuer.fetches === 2);
  stage.issuer.publish(old!, next!);
  later(30);
  expect(await stage.ask(await token(next!, lasting))).toEqual([200]);
});

test('an issuer that sends us elsewhere is not followed', async () => {
  await using stage = await staged(old!);
  await using evil = await startUpstream();
  evil.answer(json(jwksOf(next!)));
  stage.issuer.answer(redirect(`${evil.url}/keys`));
  expect(await stage.ask(await token(next!, lasting))).toEqual([503, 'keys_unavailable']);
  expect(evil.requests).toEqual([]);
});

test('after a day of outage nobody is let in, known or not; with the first keys everybody is', async () => {
  await using stage = await staged(old!);
  const known = await token(old!, lasting);
  for (let turn = 0; turn < 3; turn++) expect(await stage.ask(known)).toEqual([200]);
  stage.issuer.answer(status(503));
  later(day - 1);
  // The answer itself is too old by then, and is kept anew by the first one.
  for (let turn = 0; turn < 3; turn++) expect(await stage.ask(known)).toEqual([200]);
  saw('the lane answered during an outage', stage.issuer.fetches === 1);
  later(1);
  for (let turn = 0; turn < 3; turn++) expect(await stage.ask(known)).toEqual([503, 'keys_unavailable']);
  stage.issuer.publish(old!);
  later(30);
  expect(await stage.ask(known)).toEqual([200]);
});

test('a gateway that starts without its issuer refuses nobody for good', async () => {
  await using stage = await staged();
  const good = await token(old!, lasting);
  expect(await stage.ask(good)).toEqual([503, 'keys_unavailable']);
  stage.issuer.publish(old!);
  later(30);
  expect(await stage.ask(good)).toEqual([200]);
});
