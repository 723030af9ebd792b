import { afterAll, beforeAll, expect, test } from 'vitest';
import { hang } from '../support/answers.ts';
import type { Database } from '../support/postgres.ts';
import { seedDatabase, startGateway } from './gateway.ts';

let database: Database;
beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

const stated = (ms: string) => ({ headers: { 'x-envoy-expected-rq-timeout-ms': ms }, timeoutMs: 20_000 });

test('a trusted caller who waits for less has its answer by then, and upstreams hear what is left', async () => {
  await using it = await startGateway({ database, deadline: '60s', trustedCallers: ['127.0.0.0/8'] });
  it.upstream.answer(hang);
  const { status, json } = await it.ask(1, stated('1500'));
  expect(status).toBe(200);
  expect(json).toMatchObject({ errors: [{ part: 'recommendations', code: 'deadline_exceeded' }] });
  const left = Number((await it.upstream.received()).headers['x-envoy-expected-rq-timeout-ms']);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(1_450);
});

test.each(['0', '4'])('who waits for %s ms is told at once, and nobody is asked', async (ms) => {
  await using it = await startGateway({ database, trustedCallers: ['127.0.0.0/8'] });
  const { status, json } = await it.ask(1, stated(ms));
  expect(status).toBe(504);
  expect(json).toMatchObject({ code: 'deadline_exceeded' });
  expect(it.upstream.requests).toEqual([]);
});

test.each([['0', []], ['0', ['10.0.0.0/8']], ['1s', ['127.0.0.0/8']], ['-1', ['127.0.0.0/8']]] as const)('"%s" of somebody not in %j, or not of that form, is ignored', async (ms, trustedCallers) => {
  await using it = await startGateway({ database, deadline: '20s', trustedCallers });
  const { status, json } = await it.ask(1, stated(ms));
  expect(status).toBe(200);
  expect(json).not.toHaveProperty('errors');
});

test('a longer one does not lengthen the deadline', async () => {
  await using it = await startGateway({ database, deadline: '1s', trustedCallers: ['127.0.0.0/8'] });
  it.upstream.answer(hang);
  expect((await it.ask(1, stated('60000'))).json).toMatchObject({ errors: [{ part: 'recommendations', code: 'deadline_exceeded' }] });
});
