import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, body, drip, flood, gzipped, hang, json, redirect, reset, resetMidBody, stalled, status, truncated, wire } from '../support/answers.ts';
import { internals } from '../support/failing.ts';
import { prototypeTexts, unreadableBodies, wrongShapes } from '../support/hostile-bodies.ts';
import type { Reply } from '../support/http-client.ts';
import { type Database, lockTable, query, waitUntilIdle } from '../support/postgres.ts';
import { closedPort } from '../support/upstream.ts';
import { type Gateway, type GatewayOptions, seedDatabase, startGateway } from './gateway.ts';

// A second for what is waited for until the end: it is spent once for all cases, which run at the same time.
const brief = '1s';
const late = 'no answer within 950 ms';
// For what fails at once: were it waited for, there would be no answer in time.
const patient = '1m';

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(async () => { await database.drop(); });

interface Missing {
  readonly code: string;
  readonly detail: string;
}

/** The answer is there without this part, and everything about it says so. */
async function expectMissing(gateway: Gateway, reply: Reply, part: 'recommendations' | 'analytics', { code, detail }: Missing): Promise<void> {
  expect(reply.status).toBe(200);
  expect(reply.json).toEqual({
    user_data: { name: 'User 1' },
    recommendations: part === 'recommendations' ? [] : ['a', 'b'],
    analytics: part === 'analytics' ? {} : { view: 12, purchase: 3 },
    errors: [{ part, code, detail }],
  });
  expect(reply.headers['cache-control']).toBe('no-store');
  expect(reply.headers['server-timing']).toMatch(new RegExp(`\\b${part};dur=[\\d.]+;desc=missing,`));
  expect(reply.text).not.toMatch(internals);
  const lines = await gateway.accessLines(2);
  expect(lines[1]).toMatchObject({ status: 200, missing: { [part]: code } });
}

/** A gateway that has been asked before, and so is connected: on a busy machine that alone may take its time. */
async function warm(options: GatewayOptions): Promise<Gateway> {
  const gateway = await startGateway(options);
  await gateway.ask(1);
  return gateway;
}

const failed = (code: string, detail: string): Missing => ({ code, detail });
const broken = failed('source_failed', 'the connection to the recommendations service failed');
const answeredError = failed('source_failed', 'the recommendations service answered with an error');
const tooLate = failed('deadline_exceeded', late);
const notJson = failed('bad_answer', 'the recommendations service answered with what is not JSON');
const otherShape = failed('bad_answer', 'the recommendations service answered in an unexpected shape');
const tooLong = failed('bad_answer', 'the recommendations service answered with more than 1 MiB');

describe.concurrent('a recommender that', () => {
  test.for<[string, Answer, Missing]>([
    ['never answers', hang, tooLate],
    ['stops in the middle', stalled, tooLate],
    ['drips', drip(5), tooLate],
    ['resets', reset, broken],
    ['resets in the middle', resetMidBody, broken],
    ['ends too early', truncated, broken],
    ['speaks another protocol', wire('SSH-2.0-OpenSSH\r\n'), failed('bad_answer', 'the recommendations service answered with what is not HTTP')],
    ['fails', status(500, 'Error: select * from users at db.ts:12'), answeredError],
    ['is busy', status(503, '', { 'retry-after': '1' }), answeredError],
    ['sends us elsewhere', redirect('http://127.0.0.1:1/'), answeredError],
    ['does not know the user', status(404), failed('not_found', 'the recommendations service has nothing for this question')],
    ['sends ten megabytes', flood({ bytes: 10_000_000 }).answer, tooLong],
    ['sends without end', flood().answer, tooLong],
    ['compresses', gzipped('[]'), failed('bad_answer', 'the recommendations service answered in an encoding that was not asked for')],
    ['sends what is not UTF-8', unreadableBodies['invalid UTF-8 in a string']!, failed('bad_answer', 'the recommendations service answered with what is not UTF-8')],
    ['sends nothing', body(''), notJson],
    ['sends half of its JSON', body('["a",'), notJson],
    ['sends HTML', unreadableBodies['an HTML page']!, notJson],
    ['sends null', json(null), otherShape],
    ['sends an object', json({ 0: 'a', length: 1 }), otherShape],
    ['sends numbers', json([1, 2]), otherShape],
    ['nests deeply', wrongShapes['nesting that ends']!, otherShape],
    ...Object.entries(prototypeTexts).map(([name, text]): [string, Answer, Missing] => [`reaches for a prototype: ${name}`, body(text), otherShape]),
  ])('%s is missing from the answer, and its request with it', async ([, answer, missing]) => {
    await using gateway = await warm({ database, deadline: missing === tooLate ? brief : patient });
    gateway.upstream.answer(answer);
    await expectMissing(gateway, await gateway.ask(1), 'recommendations', missing);
    await gateway.upstream.allClosed();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('is not there at all is missing', async () => {
    await using gateway = await warm({ database, deadline: patient, recommendationsUrl: `http://127.0.0.1:${await closedPort()}` });
    await expectMissing(gateway, await gateway.ask(1), 'recommendations', broken);
  });
});

describe.concurrent('an analytics store that', () => {
  test('is locked is missing, and waits for the lock no longer', async () => {
    await using own = await seedDatabase();
    await using gateway = await warm({ database: own, deadline: brief });
    await using _lock = await lockTable(own.url, 'analytics');
    await expectMissing(gateway, await gateway.ask(1), 'analytics', tooLate);
    await waitUntilIdle(own.url);
  });

  test('has lost its table is missing', async () => {
    await using own = await seedDatabase();
    await using gateway = await warm({ database: own, deadline: patient });
    await query(own.url, 'drop table analytics');
    await expectMissing(gateway, await gateway.ask(1), 'analytics', failed('source_failed', 'a query of the analytics store failed'));
  });

  test('is not there at all is missing', async () => {
    await using gateway = await warm({ database, deadline: patient, analyticsUrl: `postgres://u:secret@127.0.0.1:${await closedPort()}/db` });
    await expectMissing(gateway, await gateway.ask(1), 'analytics', failed('source_failed', 'the analytics store could not be reached'));
  });
});

test('with all optional parts missing the required one is still an answer', async () => {
  await using gateway = await warm({ database, deadline: brief, analyticsUrl: `postgres://u:secret@127.0.0.1:${await closedPort()}/db` });
  gateway.upstream.answer(hang);
  const reply = await gateway.ask(1);
  expect([reply.status, reply.json]).toEqual([200, {
    user_data: { name: 'User 1' },
    recommendations: [],
    analytics: {},
    errors: [
      { part: 'recommendations', code: 'deadline_exceeded', detail: late },
      { part: 'analytics', code: 'source_failed', detail: 'the analytics store could not be reached' },
    ],
  }]);
});

test('why a part is missing is logged for those who run the service, once a second at most', async () => {
  await using gateway = await startGateway({ database });
  gateway.upstream.answer(status(500));
  const replies = await Promise.all([1, 2, 3, 4, 5].map((id) => gateway.ask(id)));
  await gateway.accessLines(5);
  const complaints = gateway.log.filter(({ level }) => level === 40);
  expect(complaints).toMatchObject([{
    code: 'source_failed', part: 'recommendations', msg: 'the recommendations service answered with an error',
    err: { message: 'the recommendations service answered with status 500' },
  }]);
  expect(replies.map(({ headers }) => String(headers['traceresponse']).split('-')[1])).toContain(complaints[0]?.['trace_id']);
});

test('a part that has recovered is there again at once', async () => {
  await using gateway = await startGateway({ database });
  gateway.upstream.answer(reset, json(['back']));
  expect((await gateway.ask(1)).json).toMatchObject({ recommendations: [], errors: [{ part: 'recommendations' }] });
  expect((await gateway.ask(1)).json).toEqual({ user_data: { name: 'User 1' }, recommendations: ['back'], analytics: { view: 12, purchase: 3 } });
});
