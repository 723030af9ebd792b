import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { source } from '../../src/policies/source.ts';
import { type Answer, hang, held, json, reset, status } from '../support/answers.ts';
import { failing } from '../support/failing.ts';
import { watchLeaks } from '../support/leaks.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { about, connectRecommender, gone, type Recommender } from './recommender.ts';

const good = json({ recommendations: [] });

/** Two endpoints and a client that knows both. */
async function two(one: Answer = good, other: Answer = good) {
  const upstreams = [await startUpstream(), await startUpstream()] as const;
  upstreams[0].answer(one);
  upstreams[1].answer(other);
  const client = connectRecommender(upstreams.map(({ url }) => url));
  return {
    client, upstreams,
    counts: () => upstreams.map(({ requests }) => requests.length),
    async [Symbol.asyncDispose]() {
      await client.close();
      await Promise.all(upstreams.map((upstream) => upstream.stop()));
    },
  };
}

/** Asks one after the other; answers with the codes of those that failed. */
async function asked(client: Recommender, count: number): Promise<readonly string[]> {
  const codes: string[] = [];
  for (let at = 0; at < count; at++) {
    using call = startCall(5_000);
    await client.get(about('42'), call).catch((error: { readonly code: string }) => { codes.push(error.code); });
  }
  return codes;
}

/** Waits until the breaker of a broken endpoint has taken it out: the other one answers all. */
async function takenOut(client: Recommender): Promise<void> {
  for (let at = 0; at < 40 && (await asked(client, 4)).length > 0; at++);
}

test('questions that come one at a time go to each endpoint in turn', async () => {
  await using stage = await two();
  await asked(stage.client, 10);
  expect(stage.counts()).toEqual([5, 5]);
  expect(stage.client.endpoints).toBe(2);
});

test('questions go where less is under way', async () => {
  const slow = held(good);
  await using stage = await two(slow.answer, good);
  const waiting = [stage.client.ask(), stage.client.ask()];
  await stage.upstreams[0].received(1);
  await waiting[1];
  await asked(stage.client, 10);
  expect(stage.counts()).toEqual([1, 11]);
  slow.release();
  await waiting[0];
});

test('another attempt at the same question goes to the endpoint that was not asked, though it is busier', async () => {
  const slow = held(good);
  await using stage = await two(reset, slow.answer);
  expect(await asked(stage.client, 1)).toEqual(['source_failed']);
  const answers = [stage.client.ask()];
  await stage.upstreams[1].received(1);
  using call = startCall(5_000);
  expect((await failing(stage.client.get(about('42'), call))).retryable).toBe(true);
  answers.push(stage.client.get(about('42'), call).then(({ text }) => text));
  await stage.upstreams[1].received(2);
  expect(stage.counts()).toEqual([2, 2]);
  slow.release();
  await Promise.all(answers);
});

test('of a slow answer the other endpoint is asked as well: it wins, and the slow request is cut', async () => {
  await using stage = await two();
  const hedged = source({ name: 'recommendations', load: (user: string, call) => stage.client.get(about(user), call), hedge: true });
  const ask = async () => {
    using call = startCall(10_000);
    return (await hedged('42', call)).text;
  };
  // So many have to be timed before anybody knows what slow is; and they pay for two hedges.
  for (let at = 0; at < 100; at++) await ask();
  const [slow] = stage.upstreams;
  slow.answer(hang);
  const before = slow.requests.length;
  while (slow.requests.length === before) expect(await ask()).toBe('{"recommendations":[]}');
  expect(await slow.requests[before]!.closed).toBe('cut');
});

test('an endpoint that fails is taken out after ten requests or a few more, and tried again by one request at a time', async () => {
  await using stage = await two(status(500), good);
  await takenOut(stage.client);
  const [before = 0] = stage.counts();
  expect(before).toBeGreaterThanOrEqual(5);
  expect(before).toBeLessThan(20);
  // Whenever it is tried again, one question finds out, and the others have their answer.
  const failed = await Promise.all(Array.from({ length: 50 }, () => stage.client.ask().then(() => 0, () => 1)));
  expect(failed.reduce((sum: number, one) => sum + one, 0)).toBeLessThanOrEqual(1);
  stage.upstreams[0].answer(good);
  const known = stage.upstreams[0].requests.length;
  while (stage.upstreams[0].requests.length < known + 5) await asked(stage.client, 1);
  expect(await asked(stage.client, 10)).toEqual([]);
});

test('where all are taken out the source is resting, and nobody is asked', async () => {
  await using stage = await two(status(500), status(500));
  const codes = await asked(stage.client, 40);
  expect(new Set(codes)).toEqual(new Set(['source_failed', 'source_resting']));
  expect(stage.counts().reduce((sum, count) => sum + count, 0)).toBeLessThan(30);
  using call = startCall(5_000);
  expect(await failing(stage.client.get(about('42'), call))).toMatchObject({ code: 'source_resting', message: 'recommendations is resting, since it has failed too often', retryAfterMs: 1_000 });
});

test('what we cancel takes nobody out', async () => {
  await using stage = await two(hang, hang);
  const leave = async (upstream: Upstream) => {
    const call = startCall(30_000);
    const before = upstream.requests.length;
    const answer = failing(stage.client.get(about('42'), call));
    await until(() => stage.upstreams.some(({ openRequests }) => openRequests > 0), () => `expected a request beyond ${before}`);
    call.stop(gone);
    expect(await answer).toBe(gone);
    await upstream.allClosed();
  };
  for (let at = 0; at < 30; at++) await leave(stage.upstreams[at % 2 === 0 ? 0 : 1]);
  for (const upstream of stage.upstreams) upstream.answer(good);
  expect(await asked(stage.client, 10)).toEqual([]);
});

test('slow answers take an endpoint out, though they are answers', async () => {
  const slow = json({ recommendations: [] }, { delayMs: 1_100 });
  await using stage = await two(slow, good);
  await Promise.all(Array.from({ length: 24 }, () => stage.client.ask()));
  const [before] = stage.counts();
  expect(await asked(stage.client, 6)).toEqual([]);
  expect(stage.counts()[0]).toBe(before);
});

test('a check says so if one of them does not answer', async () => {
  await using stage = await two();
  using call = startCall(5_000);
  await stage.client.check(call);
  stage.upstreams[1].answer(reset);
  expect((await failing(stage.client.check(call))).code).toBe('source_failed');
});

test('closing closes the connections to all of them', async () => {
  const leaks = watchLeaks({ allow: ({ madeAt }) => madeAt === undefined });
  {
    await using stage = await two();
    await asked(stage.client, 4);
    await stage.client.close();
    await Promise.all(stage.upstreams.map((upstream) => upstream.allDisconnected()));
  }
  await leaks.assertNone();
});
