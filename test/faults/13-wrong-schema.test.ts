// Row 13. An upstream answers with JSON of another schema than it should, or with more than it was asked for: what leaves
// the gateway is what the schema lets through, the rest is taken out, or else the part is a bad answer.
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createHttpClient } from '../../src/clients/http.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { body, json } from '../support/answers.ts';
import { keepAlive } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { pipelined } from '../support/raw-http.ts';
import { startUpstream } from '../support/upstream.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('an answer was refused', 'an answer was let through', 'a field that nobody asked for was taken out', 'two users were asked for at once');

let database: Database;

beforeAll(async () => { database = await seedDatabase(); });
afterAll(() => database.drop());

const isList = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');

test('JSON of any schema is passed on as it is where it is the one, and is a bad answer where it is not', async () => {
  await using gateway = await startGateway({ database, deadline: '1m' });
  using connection = keepAlive();
  const answers = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.oneof({ weight: 5, arbitrary: fc.string() }, fc.jsonValue())));
  await fc.assert(fc.asyncProperty(answers, async (answer) => {
    gateway.upstream.answer(json(answer));
    const reply = await gateway.ask(1, { connection });
    const fits = isList(answer);
    saw(fits ? 'an answer was let through' : 'an answer was refused');
    expect([reply.status, reply.json]).toEqual([200, {
      user_data: { name: 'User 1' },
      recommendations: fits ? answer : [],
      analytics: { view: 12, purchase: 3 },
      ...(fits ? {} : { errors: [{ part: 'recommendations', code: 'bad_answer', detail: 'the recommendations service answered in an unexpected shape' }] }),
    }]);
  }), { numRuns: 200 });
});

test('of an answer for several users, what nobody asked for reaches nobody', async () => {
  await using gateway = await startGateway({ database, deadline: '1m', recommendationsBulk: true });
  await gateway.ask(20);
  gateway.upstream.answer((request, response) => {
    const users = new URL(request.url!, 'http://upstream').searchParams.getAll('user');
    saw('two users were asked for at once', users.length > 1);
    const lists = users.map((user) => [user, [`of ${user}`]]);
    const answer = users.length === 1 ? [`of ${users[0]}`] : Object.fromEntries([...lists, ['19', ['of somebody else']], ['secret', ['token']], ['', ['nobody']]]);
    json(answer)(request, response);
  });
  const replies = await pipelined(gateway.url, [1, 2, 3].map((id) => `/api/aggregated?user_id=${id}`));
  expect(replies.map((reply) => /"recommendations":\[[^\]]*\]/.exec(reply)?.[0])).toEqual([1, 2, 3].map((id) => `"recommendations":["of ${id}"]`));
  expect(replies.join()).not.toMatch(/somebody else|token|nobody/);
});

test('fields that a schema does not know are taken out wherever they are, and wrong ones are refused', async () => {
  await using upstream = await startUpstream();
  const client = createHttpClient({ name: 'the upstream', url: upstream.url });
  await using _ = { [Symbol.asyncDispose]: () => client.close() };
  const answer = z.object({ name: z.string(), tags: z.array(z.object({ id: z.number() })) });
  const known = new Set(['name', 'tags', 'id', '__proto__']);
  const extra = fc.dictionary(fc.string().filter((name) => !known.has(name)), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 });
  const whole = fc.record({ name: fc.string(), tags: fc.array(fc.record({ id: fc.integer() }), { maxLength: 3 }) });
  await fc.assert(fc.asyncProperty(whole, extra, extra, fc.constantFrom('nothing', 'name', 'tags', 'id'), fc.constantFrom(null, true, [], {}, 'x', 1.5), async (value, outside, inside, wrong, instead) => {
    const sent = {
      ...outside, ...value, ...(wrong === 'name' || wrong === 'tags' ? { [wrong]: instead } : {}),
      tags: wrong === 'tags' ? instead : value.tags.map((tag) => ({ ...inside, ...tag, ...(wrong === 'id' ? { id: instead } : {}) })),
    };
    upstream.answer(body(JSON.stringify(sent)));
    using call = startCall(10_000);
    const outcome = await client.get({ path: '/', answer }, call).then((text) => text.parse(), (error: unknown) => error);
    const fits = answer.safeParse(sent);
    if (fits.success) {
      expect(outcome).toEqual({ name: sent.name, tags: Array.isArray(sent.tags) ? sent.tags.map(({ id }) => ({ id })) : undefined });
      saw('a field that nobody asked for was taken out', Object.keys(outside).length > 0);
    } else {
      expect(outcome).toBeInstanceOf(Failure);
      expect(outcome).toMatchObject({ code: 'bad_answer', message: 'the upstream answered in an unexpected shape' });
    }
  }), { numRuns: 200 });
});
