import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, json, reset, resetMidBody, status } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { type Gateway, seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

// Row 9: a reset costs one budgeted retry, or else a part.
const saw = sometimes('a reset before the first byte', 'a retry that was answered', 'a reset in the middle of a body', 'a retry that could not be afforded');

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

/** A gateway that was asked ten times, and so can afford one retry. */
async function thrifty(): Promise<Gateway> {
  const gateway = await startGateway({ database, deadline: '1m' });
  for (let id = 1; id <= 10; id++) await gateway.ask(id);
  return gateway;
}

/** Asks while the recommender answers like this; with what it was asked. */
async function asking(gateway: Gateway, ...answers: [Answer, ...Answer[]]) {
  const before = gateway.upstream.requests.length;
  gateway.upstream.answer(...answers);
  const reply = await gateway.ask(1);
  const asked = gateway.upstream.requests.slice(before);
  return { reply, asked, endings: await Promise.all(asked.map(({ closed }) => closed)) };
}

const user = { user_data: { name: 'User 1' }, analytics: { view: 12, purchase: 3 } };
const broken = [{ part: 'recommendations', code: 'source_failed', detail: 'the connection to the recommendations service failed' }];

test('a reset before the first byte is retried once, and the answer is whole', async () => {
  await using gateway = await thrifty();
  const { reply, asked, endings } = await asking(gateway, reset, json(['live']));
  saw('a reset before the first byte', endings[0] === 'cut');
  saw('a retry that was answered', endings[1] === 'answered');
  expect(reply.json).toEqual({ ...user, recommendations: ['live'] });
  expect(asked).toHaveLength(2);
  expect(asked[1]!.url).toBe(asked[0]!.url);
});

test('the retry has the time that is left, and says so', async () => {
  await using gateway = await thrifty();
  const { asked } = await asking(gateway, reset, json(['live']));
  const [first, second] = asked.map(({ headers }) => Number(headers['x-envoy-expected-rq-timeout-ms']));
  expect(second).toBeLessThanOrEqual(first!);
});

test('one that is reset again is not retried again, and neither is the next', async () => {
  await using gateway = await thrifty();
  const twice = await asking(gateway, reset, reset);
  expect([twice.reply.json, twice.asked.length]).toEqual([{ ...user, recommendations: [], errors: broken }, 2]);
  const next = await asking(gateway, reset);
  saw('a retry that could not be afforded', next.asked.length === 1);
  expect([next.reply.json, next.asked.length]).toEqual([{ ...user, recommendations: [], errors: broken }, 1]);
});

test('after a byte of a body there is no retry: the part is missing', async () => {
  await using gateway = await thrifty();
  const { reply, asked, endings } = await asking(gateway, resetMidBody, json(['live']));
  saw('a reset in the middle of a body', endings[0] === 'cut');
  expect([reply.json, asked.length]).toEqual([{ ...user, recommendations: [], errors: broken }, 1]);
});

test.each<[string, Answer, number]>([
  ['503 that says when to come again is asked again', status(503, '', { 'retry-after': '0' }), 2],
  ['429 that says when to come again is asked again', status(429, '', { 'retry-after': '0' }), 2],
  ['503 that says it after the deadline is not', status(503, '', { 'retry-after': '120' }), 1],
  ['503 that does not say it is not', status(503), 1],
  ['500 is not, whatever it says', status(500, '', { 'retry-after': '0' }), 1],
])('a %s', async (_, first, times) => {
  await using gateway = await thrifty();
  const { reply, asked } = await asking(gateway, first, json(['live']));
  expect(asked).toHaveLength(times);
  expect(reply.json).toMatchObject({ recommendations: times === 2 ? ['live'] : [] });
});
