import { expect, test } from 'vitest';
import { fakeTime, pass, settled } from '../core/fake-time.ts';
import { asking, clientGone, fleet, land, loaded, lost, onStage } from './cache-stage.ts';

fakeTime();
onStage();

test('what took longer to load than it may be kept is not put, and the lease goes back', async () => {
  const { tier, one } = fleet({ fresh: '1s', stale: undefined as never, staleIfError: undefined as never });
  void asking(one, 'ada', 20_000);
  await settled();
  await pass(2_000);
  land(one.asked[0]!, 'value');
  await settled();
  expect([tier.done, tier.held]).toEqual([['read+lease', 'release'], 0]);
});

test('who has lost the lease waits 15 ms and 35 ms for its winner, and takes what comes', async () => {
  const { tier, one, other } = fleet();
  const winner = asking(one);
  await settled();
  const [loser, second] = [asking(other), asking(other)];
  await settled();
  expect(tier.done).toEqual(['read+lease', 'read+lease']);
  await pass(14);
  expect(tier.done).toHaveLength(2);
  await pass(1);
  expect(tier.done).toEqual(['read+lease', 'read+lease', 'read']);
  land(one.asked[0]!, 'value');
  await pass(34);
  expect([winner.value, loser.value]).toEqual(['value', 'pending']);
  await pass(1);
  expect([loser.value, loser.served, second.value, other.asked.length]).toEqual(['value', 'cache', 'value', 0]);
});

test('after 50 ms who has lost the lease loads by itself, and takes no lease from its winner', async () => {
  const { tier, one, other } = fleet();
  const winner = asking(one);
  await settled();
  const loser = asking(other);
  await pass(49);
  expect(other.asked).toHaveLength(0);
  await pass(1);
  expect(other.asked).toHaveLength(1);
  land(other.asked[0]!, 'of the loser');
  await settled();
  expect([loser.value, tier.held, tier.done.at(-1)]).toEqual(['of the loser', 1, 'put']);
  land(one.asked[0]!, 'of the winner');
  await settled();
  expect([winner.value, tier.held]).toEqual(['of the winner', 0]);
});

test('a loser that is left by all stops waiting', async () => {
  const { tier, one, other } = fleet();
  void asking(one);
  await settled();
  asking(other).call.end();
  const loser = asking(other);
  await pass(10);
  loser.call.stop(clientGone);
  await pass(100);
  expect([loser.error, other.asked.length, tier.done]).toEqual([clientGone, 0, ['read+lease', 'read+lease', 'read+lease']]);
});

test('what is stale in the shared tier is served at once; who has won the lease refreshes it, who has lost it does not', async () => {
  const { tier, one, other } = fleet();
  await loaded(one, 'old');
  one.cache.flush();
  await pass(12_000);
  const [winner, loser] = [asking(one), asking(other)];
  await settled();
  expect([winner, loser].map(({ value, served, ageMs }) => [value, served, ageMs])).toEqual([['old', 'stale', 12_000], ['old', 'stale', 12_000]]);
  expect([one.asked.length, other.asked.length, tier.held]).toEqual([2, 0, 1]);
  tier.deeds.length = 0;
  for (let at = 0; at < 10; at++) void asking(other);
  await settled();
  expect(tier.done).toEqual([]);
  await pass(35);
  for (let at = 0; at < 10; at++) void asking(other);
  await settled();
  expect(tier.done).toEqual(['read+lease']);
  land(one.asked[1]!, 'new');
  await pass(35);
  const refreshing = asking(other);
  await settled();
  const after = asking(other);
  await settled();
  expect([refreshing.value, after.value, after.served, other.asked.length, tier.held]).toEqual(['old', 'new', 'cache', 0, 0]);
});

test('who refreshes what is stale here has it from the shared tier, if somebody else was faster', async () => {
  const { one, other } = fleet();
  await loaded(one, 'old');
  const hit = asking(other);
  await settled();
  await pass(10_000);
  void asking(one);
  await settled();
  land(one.asked[1]!, 'new');
  await settled();
  const stale = asking(other);
  await settled();
  const after = asking(other);
  await settled();
  expect([hit.value, stale.value, after.value, other.asked.length]).toEqual(['old', 'old', 'new', 0]);
});

test('who joins a refresh that loses the lease waits for the winner as any loser does', async () => {
  const { doors, one, other } = fleet({ stale: '1s' });
  await loaded(one, 'old');
  void asking(other);
  await settled();
  one.cache.flush();
  await pass(10_990);
  void asking(one);
  await settled();
  expect(one.asked).toHaveLength(2);
  doors[1].delayMs = 20;
  void asking(other);
  await pass(10);
  const joiner = asking(other);
  land(one.asked[1]!, 'new');
  await pass(100);
  expect([joiner.value, other.asked.length]).toEqual(['new', 0]);
});

test('a load that fails with the lease gives it back', async () => {
  const { tier, one } = fleet();
  void asking(one);
  await settled();
  expect(tier.held).toBe(1);
  one.asked[0]!.reject(lost);
  await settled();
  expect([tier.held, tier.done]).toEqual([0, ['read+lease', 'release']]);
});

test.each(['before', 'after'])('all who leave %s the lease was won give it back, though the load does not listen', async (when) => {
  const { tier, doors, one } = fleet();
  doors[0].delayMs = 10;
  const askers = [asking(one), asking(one)];
  await pass(when === 'before' ? 5 : 15);
  for (const { call } of askers) call.stop(clientGone);
  await pass(10);
  expect([tier.held, tier.done.at(-1), one.asked.length]).toEqual([0, 'release', when === 'before' ? 0 : 1]);
});

test('a tier that grants no leases, as a replica does, refreshes nothing by itself: each process does', async () => {
  const { doors, one, other } = fleet();
  await loaded(one, 'old');
  doors[1].grantsNone = true;
  await pass(11_000);
  const asker = asking(other);
  await settled();
  expect([asker.value, asker.served, other.asked.length]).toEqual(['old', 'stale', 1]);
  land(other.asked[0]!, 'new');
  await settled();
  const after = asking(other);
  await settled();
  expect(after.value).toBe('new');
});

test('a refresh that has lost the lease leaves the shared tier alone for a moment, though it had nothing there', async () => {
  const { tier, one, other } = fleet();
  await loaded(one, 'old');
  void asking(other);
  await settled();
  await pass(10_001);
  tier.entries.clear();
  void asking(one);
  await settled();
  expect(one.asked).toHaveLength(2);
  tier.deeds.length = 0;
  const stale = asking(other);
  await settled();
  expect([stale.value, tier.done]).toEqual(['old', ['read+lease']]);
  await pass(34);
  void asking(other);
  await settled();
  expect(tier.done).toEqual(['read+lease']);
  await pass(1);
  void asking(other);
  await settled();
  expect([tier.done, other.asked.length]).toEqual([['read+lease', 'read+lease'], 0]);
  land(one.asked[1]!, 'new');
  await settled();
});

test('what comes late from the shared tier does not take the place of what was loaded meanwhile', async () => {
  const { doors, one, other } = fleet();
  await loaded(one, 'old');
  await pass(1);
  doors[1].delayMs = 10;
  const asker = asking(other);
  doors[1].delayMs = 0;
  await pass(5);
  const reloading = asking({ ask: (input, call) => { call.reload = true; return other.ask(input, call); } });
  await settled();
  land(other.asked[0]!, 'new');
  await pass(5);
  const hit = asking(other);
  await settled();
  expect([reloading.value, asker.value, hit.value]).toEqual(['new', 'new', 'new']);
});

test('that the source fails is still known after a look into the shared tier, which has nothing better', async () => {
  const { one, other } = fleet();
  await loaded(one, 'old');
  await pass(35_000);
  void asking(other);
  await settled();
  other.asked[0]!.reject(lost);
  await pass(1_000);
  void asking(other);
  await settled();
  expect(other.asked).toHaveLength(2);
  const meanwhile = asking(other);
  await settled();
  expect([meanwhile.value, meanwhile.served]).toEqual(['old', 'stale']);
  other.asked[1]!.reject(lost);
  await settled();
});
