import { expect, test } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import { type Call, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import { source } from '../../src/policies/source.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { scripted } from '../support/scripted.ts';

fakeTime();

/** A user, and offers for the user's country: who asks for offers asks for the user first. */
function shop() {
  const users = scripted<string, { country: string }>();
  const byCountry = scripted<string, readonly string[]>();
  const user = source({ name: 'user', load: users.source, key: (id: string) => id, memoise: true });
  const offers = source({
    name: 'offers',
    load: async (id: string, call: Call) => byCountry.source((await user(id, call)).country, call),
  });
  return { users: users.asked, byCountry: byCountry.asked, user, offers };
}

const home = ({ user, offers }: ReturnType<typeof shop>) =>
  aggregate({ name: 'home', input: z.string(), deadline: '1s', parts: { user: optional(user), offers: optional(offers) } });

test('a part may ask for what another part is: the request asks for it once, and each request for itself', async () => {
  const parts = shop();
  using call = startCall(5_000);
  using other = startCall(5_000);
  const answers = [home(parts)('ada', call), home(parts)('bob', other)];
  expect(parts.users.map(({ input }) => input)).toEqual(['ada', 'bob']);
  parts.users[0]!.resolve({ country: 'uk' });
  parts.users[1]!.resolve({ country: 'fr' });
  await settled();
  parts.byCountry[0]!.resolve(['tea']);
  parts.byCountry[1]!.resolve(['wine']);
  expect((await Promise.all(answers)).map(({ data }) => data)).toEqual([
    { user: { country: 'uk' }, offers: ['tea'] },
    { user: { country: 'fr' }, offers: ['wine'] },
  ]);
  expect(parts.users).toHaveLength(2);
});

test('what both parts need and fails is missing in both, and was asked once', async () => {
  const parts = shop();
  using call = startCall(5_000);
  const answer = home(parts)('ada', call);
  parts.users[0]!.reject(new Failure('not_found', 'no such user'));
  const { parts: reports } = await answer;
  expect(reports).toMatchObject([{ state: 'missing', failure: { code: 'not_found' } }, { state: 'missing', failure: { code: 'not_found' } }]);
  expect(parts.users).toHaveLength(1);
  expect(parts.byCountry).toEqual([]);
});

test('the part that asked first may be given up, and the other one still gets what it needs', async () => {
  const parts = shop();
  const quick = aggregate({ name: 'quick', input: z.string(), deadline: '100ms', parts: { user: optional(parts.user) } });
  const asked = aggregate({ name: 'home', input: z.string(), deadline: '1s', parts: { quick, offers: parts.offers } });
  using call = startCall(5_000);
  const answer = watch(asked('ada', call));
  await pass(100);
  expect(parts.users[0]!.stopped).toBe(false);
  parts.users[0]!.resolve({ country: 'uk' });
  await settled();
  parts.byCountry[0]!.resolve(['tea']);
  await settled();
  expect(answer.now).toMatchObject({ state: 'answered', value: { data: { quick: { user: null }, offers: ['tea'] } } });
  expect(parts.users).toHaveLength(1);
});

test('when the answer is over, so is what its parts had asked together', async () => {
  const parts = shop();
  using call = startCall(5_000);
  const answer = watch(home(parts)('ada', call));
  await pass(1_000);
  expect(answer.now).toMatchObject({ state: 'answered', value: { complete: false } });
  expect(parts.users[0]!.stopped).toBe(true);
  expect(call.over).toBe(false);
});

test('a required part that fails stops what others had asked, and their asks do not go on', async () => {
  const parts = shop();
  const asked = aggregate({ name: 'home', input: z.string(), deadline: '1s', parts: { offers: parts.offers, broken: () => Promise.reject(new Error('lost')) } });
  using call = startCall(5_000);
  const answer = watch(asked('ada', call));
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', error: { part: 'broken' } });
  expect(parts.users[0]!.stopped).toBe(true);
  parts.users[0]!.resolve({ country: 'uk' });
  await settled();
  expect(parts.byCountry).toEqual([]);
});
