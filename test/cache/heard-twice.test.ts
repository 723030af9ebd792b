import { beforeEach, expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { Gone } from '../../src/cache/gone.ts';
import { Kept } from '../../src/cache/kept.ts';

class Text extends Kept {}

let cache: Cache;
let heard: (readonly string[] | undefined)[];
beforeEach(() => {
  cache = new Cache({ bytesMax: 1_000_000 });
  heard = [];
  cache.watch((tags) => { heard.push(tags); });
});
const keep = (): Text => {
  const text = new Text('key', ['users:1'], 10);
  cache.memory.put(text);
  return text;
};

test('who watches hears whatever makes the process forget, and everything as undefined', async () => {
  cache.forget(['users:1']);
  await cache.invalidate(['users:2', 'users:*']);
  cache.flush();
  expect(heard).toEqual([['users:1', 'users:?'], ['users:2', 'users:?', 'users:*'], undefined]);
});

test('a change that is heard a second time does not take what was loaded in between', async () => {
  await cache.heard(['users:1'], 'one');
  const text = keep();
  cache.forget(['users:1'], 'one');
  expect([text.dropped, heard]).toEqual([false, [['users:1', 'users:?']]]);
  expect(cache.goneSince(performance.now() + 1, ['users:1'])).toBe(false);
  cache.forget(['users:1', 'users:2'], 'one');
  expect([text.dropped, heard.at(-1)]).toEqual([false, ['users:2']]);
});

test.each([['another change', 'two'], ['one that nobody names', undefined]])('%s takes it', async (_, token) => {
  await cache.heard(['users:1'], 'one');
  const text = keep();
  cache.forget(['users:1'], token);
  expect(text.dropped).toBe(true);
  // Which of the two it was last is what counts.
  const again = keep();
  cache.forget(['users:1'], 'one');
  expect(again.dropped).toBe(true);
});

test('by which change something is gone is remembered as long as when it was, and no longer', () => {
  const gone = new Gone();
  gone.tags(['users:1'], 100, 'one');
  expect([gone.by('one', 'users:1'), gone.by('two', 'users:1'), gone.by('one', 'users:2')]).toEqual([true, false, false]);
  gone.tags(['users:2'], 100 + 60_001);
  expect(gone.by('one', 'users:1')).toBe(false);
  gone.tags(['users:1'], 100 + 60_002, 'one');
  gone.tags(Array.from({ length: 10_000 }, (_, at) => `users:${at}`), 100 + 60_003, 'three');
  expect(gone.by('one', 'users:1')).toBe(false);
});
