import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Feed } from '../../../demo/dev/viewer/feed.ts';

beforeEach(() => { vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }); });
afterEach(() => { vi.useRealTimers(); });

const feed = () => new Feed({ snapshot: () => 'all', changed: (ids) => ids, rates: () => 'rates' });

/** A page that reads nothing until it is asked what it has been told. */
function openPage(feed: Feed) {
  const stream = new PassThrough({ highWaterMark: 1 });
  feed.open(Object.assign(stream, { writeHead: () => stream }) as unknown as ServerResponse);
  return { stream, told: () => { stream.end(); return stream.toArray().then((chunks) => chunks.join('').split('\n\n').slice(0, -1)); } };
}

test('a page is told everything, then what changed within a tenth of a second at once, and rates each second', async () => {
  const own = feed();
  const page = openPage(own);
  own.touch('a');
  own.touch('b');
  own.touch('a');
  vi.advanceTimersByTime(1_000);
  expect(await page.told()).toEqual(['event: snapshot\ndata: "all"', 'event: changed\ndata: ["a","b"]', 'event: rates\ndata: "rates"']);
});

test('where nobody looks nothing is gathered, and no timer runs', async () => {
  const own = feed();
  own.touch('before');
  expect(vi.getTimerCount()).toBe(0);
  const page = openPage(own);
  own.touch('a');
  expect(vi.getTimerCount()).toBe(2);
  page.stream.destroy();
  await once(page.stream, 'close');
  expect(vi.getTimerCount()).toBe(0);
  const next = openPage(own);
  own.touch('b');
  vi.advanceTimersByTime(100);
  expect(await next.told()).toEqual(['event: snapshot\ndata: "all"', 'event: changed\ndata: ["b"]']);
});

test('a page that does not read is cut off', () => {
  const own = feed();
  const page = openPage(own);
  for (let at = 0; at < 10; at++) {
    own.touch(`${at}`.repeat(1_024 * 1_024));
    vi.advanceTimersByTime(100);
  }
  expect(page.stream.destroyed).toBe(true);
});

test('tabs that are left open make room for new ones', () => {
  const own = feed();
  const pages = Array.from({ length: 12 }, () => openPage(own));
  expect(pages.map(({ stream }) => stream.destroyed)).toEqual([true, true, ...Array.from({ length: 10 }, () => false)]);
  for (const { stream } of pages) stream.destroy();
});
