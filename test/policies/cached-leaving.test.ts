import { expect, test, vi } from 'vitest';
import { fakeTime, pass, settled } from '../core/fake-time.ts';
import { watchListeners } from '../core/listening.ts';
import { asking, clientGone, fleet, land, loaded, lost, onStage, staged } from './cache-stage.ts';

fakeTime();
onStage();
const listening = watchListeners();

test.each([0, 1, 2])('asker number %d of three may leave: it hears at once why, the others get the answer', async (leaver) => {
  const stage = staged();
  const askers = [asking(stage), asking(stage), asking(stage)];
  askers[leaver]!.call.stop(clientGone);
  await settled();
  expect([askers[leaver]!.error, stage.asked[0]!.stopped]).toEqual([clientGone, false]);
  land(stage.asked[0]!, 1);
  await settled();
  expect(askers.filter(({ value }) => value === 1)).toHaveLength(2);
});

test.each(['listens', 'does not listen'])('when all have left, a load that %s is stopped, nothing is kept, and who asks then asks anew', async (how) => {
  const stage = staged();
  const askers = [asking(stage), asking(stage)];
  for (const { call } of askers) call.stop(clientGone);
  expect(stage.asked[0]!.call.reason).toBe(clientGone);
  const next = asking(stage);
  expect(stage.asked).toHaveLength(2);
  if (how === 'listens') stage.asked[0]!.stop();
  else land(stage.asked[0]!, 'of the load that was stopped');
  await settled();
  expect([next.value, stage.cache.memory.size]).toEqual(['pending', 0]);
  const joiner = asking(stage);
  expect(stage.asked).toHaveLength(2);
  land(stage.asked[1]!, 'new');
  await settled();
  expect([next.value, joiner.value]).toEqual(['new', 'new']);
  expect(listening.size).toBe(0);
});

test('a load past the deadline of its first asker takes nobody aboard any more', async () => {
  const stage = staged();
  void asking(stage, 'ada', 100);
  const longer = asking(stage, 'ada', 1_000);
  await pass(100);
  const late = asking(stage);
  expect(stage.asked).toHaveLength(2);
  land(stage.asked[1]!, 2);
  await settled();
  land(stage.asked[0]!, 1);
  await settled();
  const hit = asking(stage);
  await settled();
  expect([longer.value, late.value, hit.value]).toEqual([1, 2, 2]);
});

test('a refresh is not stopped by those who joined it and left', async () => {
  const stage = staged({ rules: { stale: '1s' } });
  await loaded(stage, 'old');
  await pass(10_999);
  asking(stage).call.end();
  await pass(1);
  const joiner = asking(stage);
  expect(stage.asked).toHaveLength(2);
  joiner.call.stop(clientGone);
  await settled();
  expect([joiner.error, stage.asked[1]!.stopped]).toEqual([clientGone, false]);
  land(stage.asked[1]!, 'new');
  await settled();
  const hit = asking(stage);
  await settled();
  expect(hit.value).toBe('new');
});

test('who joined a refresh that comes to its end hears of it', async () => {
  const stage = staged({ rules: { stale: '1s' } });
  await loaded(stage, 'old');
  await pass(10_999);
  asking(stage).call.end();
  await pass(1);
  const joiner = asking(stage, 'ada', 30_000);
  await pass(4_999);
  // What is stale is still good enough where loading fails, and the source has hung for 5 seconds.
  expect([joiner.value, joiner.served]).toEqual(['old', 'stale']);
});

test('once a load has answered, it has nothing to show to whoever asked', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  const asker = asking(stage);
  expect(asker.call.flight.inTime()).toBeDefined();
  asker.call.flight.served = 'live';
  land(stage.asked[1]!, 'new');
  await settled();
  expect([asker.value, asker.call.flight.inTime(), asker.served]).toEqual(['new', undefined, 'live']);
});

test('nor once it has failed and that was mended', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  const asker = asking(stage);
  stage.asked[1]!.reject(lost);
  await settled();
  expect([asker.value, asker.served, asker.call.flight.inTime()]).toEqual(['old', 'stale', undefined]);
});

test('the last to leave by its deadline leaves the source alone for a second, and what is old is served at once', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  void asking(stage, 'ada', 100);
  await pass(100);
  const next = asking(stage);
  await settled();
  expect([next.value, next.served, stage.asked.length]).toEqual(['old', 'stale', 2]);
  await pass(1_000);
  void asking(stage);
  expect(stage.asked).toHaveLength(3);
  stage.asked[2]!.reject(lost);
  await settled();
});

test('who leaves by their own will says nothing about the source', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  asking(stage).call.stop(clientGone);
  const next = asking(stage);
  await settled();
  expect([next.value, stage.asked.length]).toEqual(['pending', 3]);
});

test('nothing listens and no timer is left once everybody has heard', async () => {
  const stage = staged();
  const askers = [asking(stage), asking(stage)];
  land(stage.asked[0]!, 1);
  await settled();
  expect([listening.size, vi.getTimerCount()]).toEqual([0, 2]);
  for (const { call } of askers) call.end();
  expect(vi.getTimerCount()).toBe(0);
});

test('whoever leaves while the shared tier is asked, at whatever moment: nothing is loaded in a call that is over', async () => {
  // As many turns of the promises as there are between the look and the load, and some more.
  for (let turns = 0; turns < 12; turns++) {
    const { one } = fleet();
    const { call } = asking(one);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const loadsBefore = one.asked.length;
    call.stop(clientGone);
    await settled();
    expect(one.asked, `after ${turns} turns`).toHaveLength(loadsBefore);
    for (const ask of one.asked) ask.stop();
    await settled();
  }
  expect(listening.size).toBe(0);
});
