import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCall } from '../../../src/core/call.ts';
import { land, json, lost, notFound, onStage } from '../../policies/cache-stage.ts';
import { fakeTime, pass, settled } from '../fake-time.ts';
import { liveStage, Viewer } from './live-stage.ts';

fakeTime();
onStage();

let stage: ReturnType<typeof liveStage>;
let viewers: Viewer[];
beforeEach(() => {
  stage = liveStage();
  viewers = [];
});
// When nobody watches any more nothing is left: no topic, tag or text, and by `fakeTime` no timer.
afterEach(async () => {
  for (const viewer of viewers) viewer.view.leave();
  await settled();
  expect([stage.topics.size, stage.topics.tagCount, stage.topics.chars]).toEqual([0, 0, 0]);
  const open = [stage.profile, stage.counts, stage.tips].flatMap(({ asked }) => asked).filter(({ landed, stopped }) => !landed && !stopped);
  expect(open).toEqual([]);
});

function join(user = 'ada', known?: string): Viewer {
  const viewer = new Viewer();
  viewers.push(viewer);
  return stage.join(viewer, user, known);
}
function leave(viewer: Viewer): void {
  viewers.splice(viewers.indexOf(viewer), 1);
  viewer.view.leave();
}
const counted = () => [stage.profile.asked.length, stage.counts.asked.length, stage.tips.asked.length];

/** Somebody who has been told everything: Ada's first version. */
async function watching(): Promise<Viewer> {
  const viewer = join();
  await settled();
  land(stage.profile.asked[0]!, 'Ada');
  land(stage.counts.asked[0]!, 1);
  stage.tips.asked[0]!.resolve(json([]));
  await pass(1);
  expect(viewer.news.toSorted()).toEqual(['counts 1', 'current', 'profile "Ada"', 'tips []']);
  return viewer;
}

test('the first who watches is told each part as it lands, once the required one is there, and then that this is all', async () => {
  const viewer = join();
  await settled();
  stage.tips.asked[0]!.resolve(json(['a']));
  await settled();
  expect([viewer.news, viewer.view.beginning]).toEqual([[], 'later']);
  land(stage.profile.asked[0]!, 'Ada');
  await settled();
  expect(viewer.news).toEqual(['profile "Ada"', 'tips ["a"]']);
  land(stage.counts.asked[0]!, 1);
  await settled();
  expect(viewer.news).toEqual(['counts 1', 'current']);
  expect(counted()).toEqual([1, 1, 1]);
});

test('who comes later is told at once, and nobody is asked', async () => {
  await watching();
  const later = join();
  expect(later.news).toEqual(['profile "Ada"', 'counts 1', 'tips []', 'current']);
  await pass(500);
  expect(counted()).toEqual([1, 1, 1]);
});

test('one change is one load, however many watch, and they are told of what has changed only', async () => {
  const crowd = [await watching(), ...Array.from({ length: 200 }, () => join())];
  for (const viewer of crowd) viewer.told.length = 0;
  await pass(200);
  void stage.cache.invalidate(['users:ada']);
  await pass(1);
  expect(counted()).toEqual([2, 1, 1]);
  land(stage.profile.asked[1]!, 'Ada Lovelace');
  await pass(1);
  expect(new Set(crowd.map(({ news }) => news.join()))).toEqual(new Set(['profile "Ada Lovelace"']));
  expect(stage.asks).toEqual(['begin', 'begin', 'begin', 'change']);
});

test('a load that brings the same again is told to nobody', async () => {
  const viewer = await watching();
  await pass(200);
  void stage.cache.invalidate(['counts:ada']);
  await pass(1);
  land(stage.counts.asked[1]!, 1);
  await pass(1);
  expect(viewer.news).toEqual([]);
});

test('what is invalidated is told to nobody who comes before it has been loaded anew', async () => {
  await watching();
  await pass(200);
  void stage.cache.invalidate(['users:*']);
  const later = join();
  expect(later.news).toEqual([]);
  await pass(1);
  land(stage.profile.asked[1]!, 'Ada Lovelace');
  await pass(1);
  expect(later.news).toEqual(['profile "Ada Lovelace"', 'counts 1', 'tips []', 'current']);
});

test('what was invalidated while it was asked for is told to those who waited, and asked for again', async () => {
  const viewer = await watching();
  await pass(200);
  void stage.cache.invalidate(['users:ada']);
  await pass(1);
  void stage.cache.invalidate(['users:ada']);
  const later = join();
  land(stage.profile.asked[1]!, 'outdated already');
  await settled();
  expect([viewer.news, later.news]).toEqual([['profile "outdated already"'], []]);
  await pass(110);
  expect(counted()).toEqual([3, 1, 1]);
  land(stage.profile.asked[2]!, 'new');
  await pass(1);
  expect([viewer.news, later.news]).toEqual([['profile "new"'], ['profile "new"', 'counts 1', 'tips []', 'current']]);
});

test('what changes all the time is asked for ten times a second at most', async () => {
  await watching();
  for (let at = 0; at < 500; at++) {
    await pass(2);
    void stage.cache.invalidate(['users:ada']);
    const open = stage.profile.asked.at(-1)!;
    if (!open.landed) land(open, at);
  }
  await pass(200);
  land(stage.profile.asked.at(-1)!, 'last');
  await pass(1);
  expect(stage.profile.asked.length).toBeGreaterThan(5);
  expect(stage.profile.asked.length).toBeLessThanOrEqual(14);
  expect(viewers[0]!.has['profile']).toBe('"last"');
});

test('whoever is slow takes of each part what it is by then, and never more than that', async () => {
  const viewer = await watching();
  viewer.slow = true;
  for (let at = 0; at < 50; at++) {
    await pass(200);
    void stage.cache.invalidate(['users:ada', 'counts:ada']);
    await pass(2);
    const [profile, counts] = [stage.profile.asked.at(-1)!, stage.counts.asked.at(-1)!];
    land(profile, `Ada ${at}`);
    land(counts, at);
    await pass(1);
    const tips = stage.tips.asked.at(-1)!;
    if (!tips.landed) tips.resolve(json([]));
  }
  viewer.take();
  expect(viewer.news).toEqual(['profile "Ada 49"', 'counts 49']);
});

test('when its time is over a part is asked for again, and the others are not', async () => {
  const viewer = await watching();
  // The part that nobody keeps is asked for again and again, and more and more seldom.
  for (let second = 0; second < 9; second++) {
    await pass(1_000);
    const open = stage.tips.asked.at(-1)!;
    if (!open.landed) open.resolve(json([]));
  }
  expect(counted()).toEqual([1, 1, 4]);
  await pass(2_000);
  expect(counted().slice(0, 2)).toEqual([2, 2]);
  land(stage.profile.asked[1]!, 'Ada Lovelace');
  land(stage.counts.asked[1]!, 1);
  // What was stale was served meanwhile; a second look finds what has come.
  await pass(2_000);
  expect(viewer.news).toEqual(['profile "Ada Lovelace"']);
  expect(counted().slice(0, 2)).toEqual([2, 2]);
});

test('what somebody else had loaded anew is noticed within a second, and not loaded again', async () => {
  const viewer = await watching();
  using call = startCall(500);
  call.reload = true;
  const reload = stage.profile.ask({ user: 'ada' }, call);
  await settled();
  land(stage.profile.asked[1]!, 'Ada Lovelace');
  await reload;
  await pass(1_000);
  expect(viewer.news).toEqual(['profile "Ada Lovelace"']);
  expect(stage.profile.asked).toHaveLength(2);
});

test('a required part that fails for now has no value, is asked for again, and is back', async () => {
  const viewer = await watching();
  await pass(200);
  void stage.cache.invalidate(['users:ada']);
  await pass(1);
  stage.profile.asked[1]!.reject(lost);
  await pass(1);
  expect(viewer.news).toEqual(['profile  source_failed']);
  await pass(2_000);
  land(stage.profile.asked[2]!, 'Ada');
  await pass(1);
  expect(viewer.news).toEqual(['profile "Ada"']);
});

test('an optional part that fails is what it would be in an answer', async () => {
  const viewer = await watching();
  await pass(200);
  void stage.cache.invalidate(['counts:ada']);
  await pass(1);
  stage.counts.asked[1]!.reject(lost);
  await pass(1);
  expect(viewer.news).toEqual(['counts {} source_failed']);
});

test('a required part that is not there any more ends the topic; who comes then has it asked for anew', async () => {
  const viewer = await watching();
  await pass(200);
  void stage.cache.invalidate(['users:ada']);
  await pass(1);
  stage.profile.asked[1]!.reject(notFound);
  await pass(1);
  expect([viewer.news, viewer.over]).toMatchObject([[], { code: 'not_found' }]);
  expect(stage.topics.size).toBe(0);
  await pass(2_000);
  const later = join();
  await settled();
  land(stage.profile.asked[2]!, 'Ada again');
  await settled();
  expect(later.told).toContain('profile "Ada again"');
});

test('while nothing has been told yet, a required part that fails is why there is no stream', async () => {
  const first = join();
  const second = join();
  await settled();
  stage.profile.asked[0]!.reject(lost);
  await settled();
  expect([first.view.beginning, second.view.beginning]).toMatchObject([{ code: 'source_failed' }, { code: 'source_failed' }]);
  // For who comes now it is asked for anew.
  const later = join();
  expect(later.view.beginning).toBe('later');
  await pass(110);
  land(stage.profile.asked[1]!, 'Ada');
  await pass(1);
  expect(later.told).toContain('profile "Ada"');
});

test('with the id of the last event nothing is told again but what differs', async () => {
  const viewer = await watching();
  const { id } = viewer.view;
  expect(join('ada', id).news).toEqual(['current']);
  await pass(200);
  void stage.cache.invalidate(['users:ada']);
  await pass(1);
  land(stage.profile.asked[1]!, 'Ada Lovelace');
  await pass(1);
  expect(join('ada', id).news).toEqual(['profile "Ada Lovelace"', 'current']);
  const [, counts, tips] = id.split('.');
  expect(join('ada', `-.${counts}.${tips}`).news).toEqual(['profile "Ada Lovelace"', 'current']);
});

test.each(['', '1', '-.-', 'x'.repeat(8), 'a.b.c', '-.-.-.-', `${'x'.repeat(8)}.-.${'é'.repeat(8)}`, 'x'.repeat(100_000)])('an id that is none, %.20j, counts as none', async (id) => {
  await watching();
  expect(join('ada', id).news).toEqual(['profile "Ada"', 'counts 1', 'tips []', 'current']);
});

test('the last who leaves takes all work along', async () => {
  const one = join();
  const other = join();
  await settled();
  leave(one);
  expect(stage.tips.asked[0]!.stopped).toBe(false);
  leave(other);
  await settled();
  expect([stage.profile, stage.counts, stage.tips].map(({ asked }) => asked[0]!.stopped)).toEqual([true, true, true]);
});

test('when everything is outdated at once, what is watched is not all asked for at once', async () => {
  const users = Array.from({ length: 1_000 }, (_, at) => `user-${at}`);
  const random = { value: 0 };
  Object.assign(stage.topics, { random: () => (random.value = (random.value + 0.618) % 1) });
  for (const user of users) join(user);
  await settled();
  for (const { asked } of [stage.profile, stage.counts]) for (const ask of asked) land(ask, 0);
  for (const ask of stage.tips.asked) ask.resolve(json([]));
  await pass(1);
  expect(counted()).toEqual([1_000, 1_000, 1_000]);
  stage.cache.flush();
  const perSecond: number[] = [];
  for (let second = 0; second < 4; second++) {
    const before = stage.profile.asked.length;
    await pass(1_000);
    perSecond.push(stage.profile.asked.length - before);
    for (const { asked } of [stage.profile, stage.counts]) for (const ask of asked) if (!ask.landed) land(ask, 1);
    for (const ask of stage.tips.asked) if (!ask.landed) ask.resolve(json([]));
  }
  expect(perSecond.reduce((sum, count) => sum + count)).toBe(1_000);
  expect(Math.max(...perSecond)).toBeLessThan(600);
});
