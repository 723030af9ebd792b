import { expect, test } from 'vitest';
import { each } from '../../src/core/each.ts';
import { startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { failing } from '../support/failing.ts';
import { scripted } from '../support/scripted.ts';
import { fakeTime, settled } from './fake-time.ts';

fakeTime();

const ids = (...list: readonly string[]) => () => Promise.resolve(new JsonText<readonly string[]>(JSON.stringify(list)));
const missing = new Failure('not_found', 'there is nothing under this key');

function asking(list: ReturnType<typeof ids>) {
  const { source, asked } = scripted<{ id: string }, JsonText<{ name: string }>>();
  const call = startCall(1_000);
  const all = each(list, (id) => ({ id }), source)({}, call);
  return { all, asked, call };
}

const named = (name: string) => new JsonText<{ name: string }>(`{"name": "${name}"}`);

test('each item of a list is asked about at the same time, and answered in its place', async () => {
  const { all, asked, call } = asking(ids('a', 'b', 'c'));
  await settled();
  expect(asked.map(({ input }) => input)).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  for (const ask of asked.toReversed()) ask.resolve(named(ask.input.id));
  expect((await all).text).toBe('[{"name": "a"},{"name": "b"},{"name": "c"}]');
  expect(asked.every((ask) => ask.call.over)).toBe(true);
  call.end();
});

test('what is not found is left out', async () => {
  const { all, asked, call } = asking(ids('a', 'b', 'c'));
  await settled();
  asked[0]!.reject(missing);
  asked[1]!.resolve(named('b'));
  asked[2]!.reject(missing);
  expect((await all).text).toBe('[{"name": "b"}]');
  call.end();
});

test('any other failure is that of the whole', async () => {
  const { all, asked, call } = asking(ids('a', 'b'));
  await settled();
  const down = new Failure('source_failed', 'down');
  asked[1]!.reject(down);
  expect(await failing(all)).toBe(down);
  asked[0]!.resolve(named('a'));
  call.end();
});

test('a list that cannot be had, or has nothing, asks nothing', async () => {
  const none = asking(ids());
  expect((await none.all).text).toBe('[]');
  const broken = asking(() => Promise.reject(missing));
  expect(await failing(broken.all)).toBe(missing);
  expect([none.asked, broken.asked]).toEqual([[], []]);
  none.call.end();
  broken.call.end();
});

test('of a list that is too long the first twenty are asked about', async () => {
  const { all, asked, call } = asking(ids(...Array.from({ length: 50 }, (_, at) => String(at))));
  await settled();
  expect(asked).toHaveLength(20);
  for (const ask of asked) ask.resolve(named('x'));
  expect((await all).parse()).toHaveLength(20);
  call.end();
});

test('the end of the call is the end of each question', async () => {
  const { all, asked, call } = asking(ids('a', 'b'));
  await settled();
  const failed = failing(all);
  call.stop(new Failure('client_gone', 'the client went away'));
  for (const ask of asked) ask.stop();
  expect((await failed).code).toBe('client_gone');
});

test('one that is stale makes the whole stale', async () => {
  const { all, asked, call } = asking(ids('a', 'b'));
  await settled();
  asked[0]!.call.flight.served = 'stale';
  asked[0]!.resolve(named('a'));
  asked[1]!.resolve(named('b'));
  await all;
  expect(call.flight.served).toBe('stale');
  call.end();
});

test('the whole is as old as the oldest load in it', async () => {
  const { all, asked, call } = asking(ids('a', 'b'));
  await settled();
  asked[0]!.call.flight.since = 20;
  asked[1]!.call.flight.since = 10;
  for (const ask of asked) ask.resolve(named('x'));
  await all;
  expect(call.flight.since).toBe(10);
  call.end();
});
