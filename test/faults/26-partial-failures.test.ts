// Row 26. Parts fail in every combination: what the reply is follows from one table. A required part decides the status,
// optional ones are missing from a 200, each with its own reason, and nothing that was asked is left running.
import * as fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createHttpClient, type HttpClient } from '../../src/clients/http.ts';
import { aggregate } from '../../src/core/aggregate.ts';
import { optional } from '../../src/core/part.ts';
import { Edge } from '../../src/http/edge.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { closeServer, listen, portOf } from '../../src/http/server.ts';
import { source } from '../../src/policies/source.ts';
import { type Answer, body, hang, json, reset, status } from '../support/answers.ts';
import { request } from '../support/http-client.ts';
import { type Database, lockTable, type TableLock } from '../support/postgres.ts';
import { closedPort, startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

/** The states of a part: what its upstream does, how the part's failure is called, and the status where the part is required. */
const states = {
  live: { does: json('here'), status: 200 },
  fails: { does: reset, code: 'source_failed', status: 502 },
  hangs: { does: hang, code: 'deadline_exceeded', status: 504 },
  'not found': { does: status(404), code: 'not_found', status: 404 },
  'bad answer': { does: body('{"truncated'), code: 'bad_answer', status: 502 },
} as const satisfies Record<string, { does: Answer; code?: string; status: number }>;
type State = keyof typeof states;
const all = Object.keys(states) as State[];

// Spent once for all combinations, which are asked for at the same time: what is well has to be there by then on a busy machine too.
const deadline = '10s';
const patient = { timeoutMs: 60_000 };

const saw = sometimes(...all.map((state) => `a part that is ${state}` as const), 'an answer without any optional part', 'every status of the table');

const parts = ['user', 'likes', 'counts'] as const;
type Combination = Readonly<Record<(typeof parts)[number], State>>;
const combinations: readonly Combination[] = all.flatMap((user) => all.flatMap((likes) => all.map((counts) => ({ user, likes, counts }))));

/** What the contract says of it. */
function expected(combination: Combination): { readonly status: number; readonly body: Record<string, unknown> } {
  const required = states[combination.user];
  if ('code' in required) return { status: required.status, body: { status: required.status, code: required.code, part: 'user' } };
  const missing = parts.flatMap((part) => {
    const state = states[combination[part]];
    return 'code' in state ? [{ part, code: state.code }] : [];
  });
  const value = (part: 'likes' | 'counts') => (combination[part] === 'live' ? 'here' : null);
  return { status: 200, body: { user: 'here', likes: value('likes'), counts: value('counts'), ...(missing.length > 0 ? { errors: missing } : {}) } };
}

/** A gateway whose three parts are questions to a real upstream, which does what each question says. */
async function startParts(): Promise<AsyncDisposable & { readonly url: string; readonly upstream: Upstream; readonly edge: Edge; readonly client: HttpClient }> {
  const upstream = await startUpstream();
  upstream.answer((asked, response) => {
    const state = new URL(asked.url!, 'http://upstream').searchParams.get('state') as State;
    saw(`a part that is ${state}`);
    states[state].does(asked, response);
  });
  const client = createHttpClient({ name: 'the upstream', url: upstream.url });
  const input = z.object({ user: z.enum(all), likes: z.enum(all), counts: z.enum(all) });
  const part = (name: (typeof parts)[number]) => source({
    name,
    load: (states: z.infer<typeof input>, call) => client.get({ path: `/${name}`, query: { state: states[name] }, answer: z.string() }, call),
  });
  const edge = new Edge({ log: pino({ level: 'silent' }), timeoutStatus: 504, sampling: { ratio: 0, trustParent: false } });
  const asked = aggregate({
    name: 'parts', input, deadline,
    parts: { user: part('user'), likes: optional(part('likes')), counts: optional(part('counts')) },
  });
  const server = await listen(createRoutes(edge, { '/parts': asked }), 0, '127.0.0.1');
  return {
    url: `http://127.0.0.1:${portOf(server)}/parts`, upstream, edge, client,
    async [Symbol.asyncDispose]() {
      await closeServer(server, 0);
      await client.close();
      await upstream.stop();
    },
  };
}

test.concurrent('all 125 combinations of three parts’ states, in any order, are what the table says', async () => {
  const [order] = fc.sample(fc.shuffledSubarray([...combinations], { minLength: combinations.length }), 1);
  await using gateway = await startParts();
  const outcomes = await Promise.all(order!.map(async (combination) => {
    const reply = await request(`${gateway.url}?${new URLSearchParams(combination).toString()}`, patient);
    return { combination, status: reply.status, cacheControl: reply.headers['cache-control'], body: reply.json };
  }));
  expect(outcomes).toMatchObject(order!.map((combination) => {
    const wanted = expected(combination);
    return { combination, ...wanted, cacheControl: wanted.status === 200 && !('errors' in wanted.body) ? 'private, max-age=0' : 'no-store' };
  }));
  for (const { combination, status, body } of outcomes) {
    if (status === 200) expect('errors' in (body as object)).toBe(combination.likes !== 'live' || combination.counts !== 'live');
    saw('an answer without any optional part', status === 200 && combination.likes !== 'live' && combination.counts !== 'live');
  }
  saw('every status of the table', [200, 404, 502, 504].every((one) => outcomes.some(({ status }) => status === one)));
  await gateway.upstream.allClosed();
  expect(gateway.edge.underWay).toBe(0);
});

// The same of what ships: two stores that are well, gone or locked, a recommender in each state, a user who is there or not.
let well: Database;
let stuck: Database;
let locks: readonly TableLock[];

beforeAll(async () => {
  [well, stuck] = await Promise.all([seedDatabase(), seedDatabase()]);
  locks = await Promise.all(['users', 'analytics'].map((table) => lockTable(stuck.url, table)));
});
afterAll(async () => {
  await Promise.all(locks.map((lock) => lock.release()));
  await Promise.all([well.drop(), stuck.drop()]);
});

const stores = ['live', 'fails', 'hangs'] as const;

describe.concurrent('what ships answers by the same table', () => {
  test.for(stores.flatMap((users) => stores.map((analytics) => [users, analytics] as const)))('where the store of users %s and the store of counts %s', async ([users, analytics]) => {
    const urls = { live: well.url, fails: `postgres://u:p@127.0.0.1:${await closedPort()}/db`, hangs: stuck.url };
    await using gateway = await startGateway({ database: well, databaseUrl: urls[users], analyticsUrl: urls[analytics], deadline });
    gateway.upstream.answer((asked, response) => {
      const at = Number(new URL(asked.url!, 'http://upstream').searchParams.get('user')) % 100;
      const state = all[at - 1]!;
      (state === 'live' ? json(['here']) : states[state].does)(asked, response);
    });
    await Promise.all(all.flatMap((recommender, at) => [at + 1, 100 + at + 1].map(async (id) => {
      const reply = await gateway.ask(id, patient);
      const user = users === 'live' && id > 100 ? 'not found' : users;
      const told = { user, recommender, analytics, status: reply.status, body: reply.json };
      const required = states[user];
      if ('code' in required) return expect(told).toMatchObject({ status: required.status, body: { code: required.code, part: 'user_data' } });
      const errors = ([['recommendations', recommender], ['analytics', analytics]] as const).flatMap(([part, state]) => ('code' in states[state] ? [{ part, code: states[state].code }] : []));
      const counts = analytics === 'live' && id === 1 ? { view: 12, purchase: 3 } : {};
      expect(told).toMatchObject({ status: 200, body: { user_data: { name: `User ${id}` }, recommendations: recommender === 'live' ? ['here'] : [], analytics: counts } });
      expect((reply.json as { errors?: object[] }).errors ?? []).toMatchObject(errors);
    })));
    await gateway.underWay(0);
    await gateway.upstream.allClosed();
  });
});
