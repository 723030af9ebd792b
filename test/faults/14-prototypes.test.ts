// Row 14. Upstreams, rows and queries name `__proto__`, `constructor` and what every object inherits: to the gateway they
// are names like any other, and what objects inherit stays what it was.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { body } from '../support/answers.ts';
import { prototypeTexts } from '../support/hostile-bodies.ts';
import { createDatabase, type Database, query } from '../support/postgres.ts';
import { request } from '../support/http-client.ts';
import { pipelined } from '../support/raw-http.ts';
import { seedDatabase, startGateway } from '../system/gateway.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a payload came from the upstream', 'a payload came from Postgres', 'a payload came in the query', 'a batch held names of prototypes');

/** What everything inherits, with whatever stands under each name. */
const inherited = (): readonly (readonly [name: string, value: unknown])[] =>
  [Object, Array, Function, String, Number, Map, Promise].flatMap(({ name, prototype }) => Reflect.ownKeys(prototype as object).map((key) => {
    const descriptor: { readonly value?: unknown; readonly get?: unknown } = Object.getOwnPropertyDescriptor(prototype, key)!;
    return [`${name}.${String(key)}`, descriptor.value ?? descriptor.get] as const;
  }));
const before = new Map(inherited());

afterEach(() => {
  const now = inherited();
  expect(now.filter(([name, value]) => before.get(name) !== value).map(([name]) => name), 'what is new or another in prototypes').toEqual([]);
  expect(now).toHaveLength(before.size);
});

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'then'];

let database: Database;
/** Users whose ids are texts, among them the names. */
let texts: Database;

beforeAll(async () => {
  [database, texts] = await Promise.all([seedDatabase(), createDatabase()]);
  await query(texts.url, 'create table users (id text primary key, data jsonb)');
  await query(texts.url, 'create table analytics (user_id text, event_type text, count bigint)');
  for (const name of names) {
    await query(texts.url, 'insert into users values ($1, $2)', [name, `{"name": "${name}", "__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}`]);
    for (const event of names) await query(texts.url, 'insert into analytics values ($1, $2, 7)', [name, event]);
  }
});
afterAll(async () => { await Promise.all([database.drop(), texts.drop()]); });

test.each(Object.entries(prototypeTexts))('what an upstream sends reaches no prototype, neither for one user nor for many: %s', async (_, text) => {
  for (const recommendationsBulk of [false, true]) {
    await using gateway = await startGateway({ database, recommendationsBulk });
    gateway.upstream.answer(body(text));
    const replies = await pipelined(gateway.url, [1, 2, 3].map((id) => `/api/aggregated?user_id=${id}`));
    for (const reply of replies) expect(reply).toMatch(/^HTTP\/1\.1 200 [^]*"recommendations":\[\]/);
    expect(replies.join()).not.toContain('polluted');
    saw('a payload came from the upstream', gateway.upstream.requests.length > 0);
  }
});

test('users and events that are named as prototypes are who they are, one by one and all in one batch', async () => {
  await using gateway = await startGateway({ database: texts, deadline: '1m', recommendationsBulk: true });
  gateway.upstream.answer((asked, response) => {
    const users = new URL(asked.url!, 'http://upstream').searchParams.getAll('user');
    saw('a batch held names of prototypes', users.length > 1);
    // Written by hand: an object would take `__proto__` for its own.
    body(users.length === 1 ? JSON.stringify(users) : `{${users.map((user) => `"${user}":["${user}"]`).join(',')}}`)(asked, response);
  });
  for (const together of [...names.map((name) => [name]), names]) {
    const replies = await pipelined(gateway.url, together.map((name) => `/api/aggregated?user_id=${name}`));
    for (const [at, name] of together.entries()) {
      const text = replies[at]!;
      expect(text).toMatch(/^HTTP\/1\.1 200 /);
      expect(text).toContain(`"name": "${name}"`);
      expect(text).toContain(`"recommendations":["${name}"]`);
      for (const event of names) expect(text).toContain(`"${event}": 7`);
      saw('a payload came from Postgres', text.includes('"__proto__": {"polluted": true}'));
    }
  }
});

test.each(names)('a query that names a prototype is read as any other: %s', async (name) => {
  await using gateway = await startGateway({ database });
  for (const [search, status] of [
    [`${name}[user_id]=1`, 400], [`${name}.user_id=1`, 400], [`${name}=1`, 400], [`user_id[${name}]=1`, 400],
    [`user_id=1&${name}=1&${name}[polluted]=1`, 200], [`user_id=${name}`, 404],
  ] as const) {
    const reply = await request(`${gateway.url}/api/aggregated?${search}`);
    expect([search, reply.status, 'polluted' in (reply.json as object)]).toEqual([search, status, false]);
    saw('a payload came in the query');
  }
});
