import { expect, test, vi } from 'vitest';
import { open, seal } from '../../src/cache/envelope.ts';
import { hashOf } from '../../src/cache/key.ts';
import { Failure } from '../../src/core/failure.ts';
import { fakeTime, pass, settled } from '../core/fake-time.ts';
import { asking, fleet, land, loaded, lost, notFound, onStage, staged } from './cache-stage.ts';

fakeTime();
onStage();

test('what one process has loaded another one has from the shared tier, as old as it is', async () => {
  const { tier, one, other } = fleet();
  const first = asking(one);
  await settled();
  await pass(700);
  land(one.asked[0]!, 'value');
  await settled();
  await pass(3_000);
  const second = asking(other);
  await settled();
  // Its age counts from when its load began, whoever reads it.
  expect([second.value, second.served, second.ageMs, first.ageMs]).toEqual(['value', 'cache', 3_700, 3_700]);
  expect(second.call.flight.kept).toMatchObject({ freshUntil: first.call.flight.kept!.freshUntil });
  const third = asking(other);
  await settled();
  expect([third.value, other.asked.length]).toEqual(['value', 0]);
  expect(tier.done).toEqual(['read+lease', 'put+token', 'read+lease']);
  expect(tier.held).toBe(0);
});

test('nothing outlives its hard limit in the shared tier, however long its load took', async () => {
  const { tier, one } = fleet();
  void asking(one, 'ada', 20_000);
  await settled();
  await pass(15_000);
  land(one.asked[0]!, 'value');
  await settled();
  expect(tier.get(tier.key)!.endsAt).toBe(60_000);
});

test('an entry with a drawn limit is good from its first moment on', async () => {
  const { tier, one, other } = fleet();
  vi.spyOn(Math, 'random').mockReturnValue(0.123_456_7);
  await loaded(one, 'value');
  const second = asking(other);
  await settled();
  expect([second.value, tier.done]).toEqual(['value', ['read+lease', 'put+token', 'read+lease']]);
});

const about = { subject: 'ada', freshMs: 10_000, staleMs: 20_000, errorMs: 50_000, totalMs: 60_000, versions: ['', ''], text: '"planted"' };
const wrong: readonly [string, string][] = [
  ['is no entry', 'something else'],
  ['is cut off', seal(about).slice(0, -1)],
  ['is somebody else’s', seal({ ...about, subject: 'bob' })],
  ['bears other tags', seal({ ...about, versions: [''] })],
  ['was invalidated since', seal({ ...about, versions: ['', 'before'] })],
  ['has more left than it was given', seal({ ...about, totalMs: 100 })],
];

test.each(wrong)('what %s is dropped, and loaded', async (_, text) => {
  const { tier, doors, one } = fleet();
  doors[1].put(keyOf(one), text, 60_000);
  tier.deeds.length = 0;
  const asker = asking(one);
  await settled();
  expect([asker.value, one.asked.length, tier.done]).toEqual(['pending', 1, ['read+lease', 'drop']]);
  land(one.asked[0]!, 'value');
  await settled();
  expect([asker.value, open(tier.get(tier.key)!.text)?.text]).toEqual(['value', '"value"']);
});

test('the entry that those differ from is served', async () => {
  const { doors, one } = fleet();
  doors[1].put(keyOf(one), seal(about), 60_000);
  const asker = asking(one);
  await settled();
  expect(asker.value).toBe('planted');
});

test('who wrote it may have had longer limits than we have: ours are kept', async () => {
  const { doors, one } = fleet();
  doors[1].put(keyOf(one), seal({ ...about, freshMs: 100_000, totalMs: 150_000 }), 150_000);
  await pass(9_000);
  const asker = asking(one);
  await settled();
  expect(asker.call.flight.kept!.freshUntil).toBe(10_000);
});

test('that there is nothing is remembered by all, and asked for again by nobody while it is', async () => {
  const { tier, one, other } = fleet();
  const first = asking(one);
  await settled();
  one.asked[0]!.reject(notFound);
  await settled();
  await pass(500);
  const second = asking(other);
  await settled();
  expect([first.error, second.error]).toMatchObject([notFound, { code: 'not_found' }]);
  expect([other.asked.length, tier.held]).toEqual([0, 0]);
  await pass(500);
  void asking(other);
  await settled();
  expect(other.asked).toHaveLength(1);
});

test('that there is nothing any more takes the place of what was there', async () => {
  const { one, other } = fleet();
  await loaded(one, 'old');
  await pass(10_000);
  void asking(one);
  await settled();
  one.asked[1]!.reject(notFound);
  await settled();
  const asker = asking(other);
  await settled();
  expect(asker.error).toMatchObject({ code: 'not_found' });
});

test('beyond `stale`, what the shared tier has mends a load that fails; it is kept here, and the source left alone', async () => {
  const { tier, one, other } = fleet();
  await loaded(one, 'old');
  await pass(35_000);
  const asker = asking(other);
  await settled();
  expect([asker.value, other.asked.length]).toEqual(['pending', 1]);
  other.asked[0]!.reject(lost);
  await settled();
  expect([asker.value, asker.served, asker.ageMs, tier.held]).toEqual(['old', 'stale', 35_000, 0]);
  const next = asking(other);
  await settled();
  expect([next.value, next.served, other.asked.length]).toEqual(['old', 'stale', 1]);
});

test('what may not be seen any more is dropped from the shared tier as well', async () => {
  const { one, other } = fleet();
  await loaded(one, 'old');
  await pass(10_001);
  void asking(one);
  await settled();
  one.asked[1]!.reject(new Failure('forbidden', 'no'));
  await settled();
  const asker = asking(other);
  await settled();
  expect([asker.value, other.asked.length]).toEqual(['pending', 1]);
});

test('what was read from the shared tier while everything was forgotten here is loaded anew', async () => {
  const { doors, one, other } = fleet();
  await loaded(one, 'old');
  await pass(1);
  doors[1].delayMs = 10;
  const asker = asking(other);
  await pass(5);
  other.cache.flush();
  await pass(5);
  expect([asker.value, other.asked.length, other.cache.memory.size]).toEqual(['pending', 1, 0]);
});

test('a tier that is silent costs nothing but its help: it is loaded, kept here and put nowhere', async () => {
  const { tier, doors, one } = fleet();
  doors[0].shut = true;
  const asker = asking(one);
  await settled();
  doors[0].shut = false;
  land(one.asked[0]!, 'value');
  await settled();
  const hit = asking(one);
  await settled();
  expect([asker.value, hit.value, hit.served, tier.done]).toEqual(['value', 'value', 'cache', []]);
});

test('a reload takes nothing from the shared tier, and puts what it has loaded there', async () => {
  const { one, other } = fleet();
  await loaded(one, 'old');
  const reloading = asking({ ask: (input, call) => { call.reload = true; return other.ask(input, call); } });
  await settled();
  land(other.asked[0]!, 'new');
  await settled();
  one.cache.flush();
  await pass(1);
  const asker = asking(one);
  await settled();
  expect([reloading.value, reloading.served, asker.value]).toEqual(['new', 'live', 'new']);
});

test('what one process invalidates is gone in all, and the shared tier’s entry is of no use to anybody', async () => {
  const { one, other } = fleet();
  await loaded(one, 'old');
  void asking(other);
  await settled();
  await pass(1);
  expect(await one.cache.invalidate(['users:*'])).toBe(true);
  await pass(1);
  expect([one.cache.memory.size, other.cache.memory.size]).toEqual([0, 0]);
  const asker = asking(other);
  await settled();
  expect([asker.value, other.asked.length]).toEqual(['pending', 1]);
});

test('what was loaded while it was invalidated somewhere else is of no use in the shared tier', async () => {
  const { one, other, doors } = fleet();
  void asking(one);
  await settled();
  // Not told: only the tier knows.
  doors[0].listen({ gone: () => undefined, lost: () => undefined, back: () => undefined });
  await other.cache.invalidate(['users:ada']);
  land(one.asked[0]!, 'old');
  await settled();
  await pass(1);
  const asker = asking(other);
  await settled();
  expect([asker.value, other.asked.length]).toEqual(['pending', 1]);
});

test('what this process knows to be outdated it does not take back from a tier that could not be told', async () => {
  const { one, doors } = fleet();
  await loaded(one, 'old');
  doors[0].refuses = true;
  await pass(1);
  expect(await one.cache.invalidate(['users:ada'])).toBe(false);
  await pass(1);
  const asker = asking(one);
  await settled();
  expect([asker.value, one.asked.length]).toEqual(['pending', 2]);
});

test('a process that has not heard what was said keeps nothing, and has it from the shared tier again', async () => {
  const { one, doors } = fleet();
  await loaded(one, 'value');
  doors[0].close();
  expect(one.cache.memory.size).toBe(0);
  await pass(1);
  await loaded(one, 'meanwhile');
  await pass(1);
  doors[0].open();
  expect(one.cache.memory.size).toBe(0);
  await pass(1);
  const asker = asking(one);
  await settled();
  expect([asker.value, asker.served, one.asked.length]).toEqual(['value', 'cache', 2]);
});

test('what has no hash, or tags that nobody knows, is kept in no shared tier', async () => {
  const { tier, one } = fleet();
  await loaded(one, 1, { user: 'half \ud800' });
  const unknown = staged({ shared: tier.door(), rules: { tags: () => undefined } });
  await loaded(unknown, 2);
  expect(tier.done).toEqual([]);
});

test('what bears other tags now than when its load began is not put into the shared tier', async () => {
  let tags = ['users:1'];
  const { tier, one } = fleet({ tags: () => tags });
  void asking(one);
  await settled();
  tags = ['users:2'];
  land(one.asked[0]!, 'value');
  await settled();
  expect([tier.done, tier.held, one.cache.memory.size]).toEqual([['read+lease', 'release'], 0, 1]);
});

test('the age of what took its time to come is rather too high than too low', async () => {
  const { doors, one, other } = fleet();
  await loaded(one, 'old');
  doors[1].delayMs = 50;
  await pass(59_970);
  const asker = asking(other);
  await pass(50);
  expect([asker.value, other.asked.length]).toEqual(['pending', 1]);
  other.asked[0]!.reject(lost);
  await settled();
  expect(asker.error).toBe(lost);
});

/** The key of ada's profile in the shared tier. */
function keyOf(stage: ReturnType<typeof staged>): string {
  const key = hashOf(stage.plan.keyOf({ user: 'ada' }));
  if (key === undefined) throw new Error('expected a key that has a hash, but got none');
  return key;
}
