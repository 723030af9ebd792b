// Checked by the compiler: what a client may ask, and what it may read. At run time, that hc's requests are understood.
import { hc, type InferRequestType, type InferResponseType } from 'hono/client';
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { Api } from '../../src/app.ts';
import type { EventCounts } from '../../src/clients/analytics.ts';
import { aggregate, lookup } from '../../src/core/aggregate.ts';
import type { FailureCode } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { operation } from '../../src/core/operation.ts';
import { optional } from '../../src/core/part.ts';
import type { Incomplete, Problem } from '../../src/http/client-types.ts';
import { createRoutes } from '../../src/http/routes.ts';
import type { Profile } from '../../src/sources/profile.ts';
import { edgeInMemory } from './in-memory.ts';

interface Thing { readonly id: string; readonly price: number }
const Id = z.object({ id: z.string() });
const thing = ({ id }: { id: string }) => Promise.resolve(new JsonText<Thing>(`{"id":"${id}","price":2}`));
const stars = () => Promise.reject<number>(new Error('down'));

const things = lookup({
  name: 'things', input: z.object({ limit: z.coerce.number().optional(), sort: z.enum(['price', 'id']).default('id') }), deadline: '1s', access: 'public',
  source: () => Promise.resolve([] as readonly Thing[]),
});
const oneThing = lookup({ name: 'one-thing', input: Id, deadline: '1s', access: 'public', source: thing });
const page = aggregate({ name: 'thing-page', input: Id.extend({ lang: z.string().optional() }), deadline: '1s', access: 'public', parts: { thing, stars: optional(stars) } });
const make = operation({
  name: 'make-thing', input: z.object({}), body: z.strictObject({ price: z.number(), colour: z.string().default('red') }), headers: z.object({ 'idempotency-key': z.string().optional() }),
  deadline: '1s', access: 'public', answers: { 201: null, 202: null },
  async perform({ body: { price }, headers }) {
    if (price > 1_000) return { status: 202 as const, body: { later: true } };
    return { status: 201 as const, body: new JsonText<Thing>(`{"id":"${headers['idempotency-key']}","price":${price}}`) };
  },
});
const remove = operation({
  name: 'remove-thing', input: Id, headers: z.object({ 'if-match': z.string() }), deadline: '1s', access: 'public', answers: { 204: null },
  perform: () => Promise.resolve({ status: 204 as const }),
});
const change = operation({
  name: 'change-thing', input: Id, body: z.object({ price: z.number().optional() }), deadline: '1s', access: 'public', answers: { 204: null },
  perform: () => Promise.resolve({ status: 204 as const }),
});

const { edge } = edgeInMemory();
const routes = createRoutes(edge, { '/things': { GET: things, POST: make }, '/things/:id': { GET: oneThing, PATCH: change, DELETE: remove }, '/things/:id/page': page });
const client = hc<typeof routes>('http://service', { fetch: routes.request });

test('what is asked has the types that the schemas take', () => {
  type List = NonNullable<InferRequestType<typeof client.things.$get>['query']>;
  expectTypeOf<List>().toEqualTypeOf<{ limit?: string; sort?: 'price' | 'id' | undefined }>();
  expectTypeOf<InferRequestType<typeof client.things.$post>['json']>().toEqualTypeOf<{ price: number; colour?: string | undefined }>();
  expectTypeOf<InferRequestType<(typeof client.things)[':id']['page']['$get']>>().toExtend<{ param: { id: string }; query?: { lang?: string | undefined } }>();
});

// Never run: the compiler is asked, and not the service.
async function refused() {
  await client.things.$get();
  // @ts-expect-error -- there is no such order
  await client.things.$get({ query: { sort: 'colour' } });
  // @ts-expect-error -- a thing needs a price
  await client.things.$post({ json: { colour: 'red' } });
  // @ts-expect-error -- which is a number
  await client.things.$post({ json: { price: '1' } });
  // @ts-expect-error -- and a body
  await client.things.$post();
  // @ts-expect-error -- which thing?
  await client.things[':id'].$get();
  // @ts-expect-error -- it is in the path, and not in the query
  await client.things[':id'].$get({ query: { id: '1' } });
  // @ts-expect-error -- it is not changed unseen
  await client.things[':id'].$delete({ param: { id: '1' } });
  // @ts-expect-error -- a body has to be there, even if all of its fields may be left out
  await client.things[':id'].$patch({ param: { id: '1' } });
  // @ts-expect-error -- nobody offers this
  await client.things[':id'].$put({ param: { id: '1' } });
  // @ts-expect-error -- nor this
  await client.nothing.$get();
  const page = await client.things[':id'].page.$get({ param: { id: '1' } });
  // @ts-expect-error -- it may be a problem
  void (await page.json()).thing;
  if (page.status !== 200) return;
  const { thing: one, stars: count, errors } = await page.json();
  // @ts-expect-error -- it may be missing
  count.toFixed();
  // @ts-expect-error -- a thing has none
  void one.colour;
  // @ts-expect-error -- only where something is missing
  void errors.length;
}

test('what does not fit is refused where it is written', () => {
  expectTypeOf(refused).toBeFunction();
});

test('what is answered has the type of its status', () => {
  type Page = (typeof client.things)[':id']['page']['$get'];
  expectTypeOf<InferResponseType<Page, 200>>().toEqualTypeOf<{ readonly thing: Thing; readonly stars: number | null } & Incomplete>();
  expectTypeOf<InferResponseType<Page, 404>>().toEqualTypeOf<Problem>();
  expectTypeOf<InferResponseType<(typeof client.things)[':id']['$get'], 200>>().toEqualTypeOf<Thing>();
  expectTypeOf<InferResponseType<typeof client.things.$post, 201>>().toEqualTypeOf<Thing>();
  expectTypeOf<InferResponseType<typeof client.things.$post, 202>>().toEqualTypeOf<{ later: boolean }>();
  expectTypeOf<InferResponseType<(typeof client.things)[':id']['$delete'], 204>>().toEqualTypeOf<never>();
});

test('the service itself', () => {
  type Overview = ReturnType<typeof hc<Api>>['api']['aggregated']['$get'];
  expectTypeOf<InferRequestType<Overview>>().toExtend<{ query: { user_id: string } }>();
  expectTypeOf<InferResponseType<Overview, 200>>().toEqualTypeOf<{ readonly user_data: Profile; readonly recommendations: string[]; readonly analytics: EventCounts } & Incomplete>();
  expectTypeOf<InferResponseType<Overview, 504>['code']>().toEqualTypeOf<FailureCode>();
});

test('the requests are understood, and the answers are what the types say', async () => {
  const page = await client.things[':id'].page.$get({ param: { id: '7' }, query: { lang: 'de' } });
  if (page.status !== 200) throw new Error('expected an answer');
  const { thing: one, stars: count, errors } = await page.json();
  expect([one.price, count, errors?.[0]?.part]).toEqual([2, null, 'stars']);
  const made = await client.things.$post({ json: { price: 3 }, header: { 'idempotency-key': 'a' } });
  expect([made.status, await made.json()]).toEqual([201, { id: 'a', price: 3 }]);
  expect((await client.things[':id'].$delete({ param: { id: '7' }, header: { 'if-match': '*' } })).status).toBe(204);
  const unsorted = await client.things.$get({ query: { sort: 'none' as 'id' } });
  if (unsorted.ok) throw new Error('expected a problem');
  expect((await unsorted.json()).code).toBe('invalid_input');
});
