import { beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import { startCall } from '../../src/core/call.ts';
import { optional } from '../../src/core/part.ts';
import { Cache } from '../../src/cache/cache.ts';
import { source } from '../../src/policies/source.ts';
import { scripted } from '../support/scripted.ts';
import { json, onStage, type Question, type Text } from './cache-stage.ts';
import { settled } from '../core/fake-time.ts';

onStage();
beforeEach(() => { vi.useFakeTimers(); });

const key = ({ user }: Question): string => user;

/** An aggregate of a required and an optional part, asked in a brownout or not. */
function stage(cache?: Cache) {
  const needed = scripted<Question, Text>();
  const extra = scripted<Question, Text>();
  const rules = { in: cache, subject: 'user', fresh: '10s', stale: '10s', staleIfError: '60s' } as const;
  const spec = (name: string, load: typeof needed.source) => source<Question, Text>({ name, load, key, cache: rules });
  const asked = aggregate({
    name: 'screen', input: z.object({ user: z.string() }), deadline: '2s',
    parts: { needed: spec('needed', needed.source), extra: optional(spec('extra', extra.source)) },
  });
  const ask = async (brownout: boolean) => {
    using call = startCall(2_000);
    call.brownout = brownout;
    const counts = [needed.asked.length, extra.asked.length] as const;
    const answer = asked({ user: 'ada' }, call);
    await settled();
    for (const each of needed.asked.slice(counts[0])) each.resolve(json('needed'));
    for (const each of extra.asked.slice(counts[1])) each.resolve(json('extra'));
    return await answer;
  };
  return { needed, extra, ask };
}

test('in a brownout nothing is asked for optional parts, and the answer says that they were left out', async () => {
  const { needed, extra, ask } = stage();
  const answer = await ask(true);
  expect(answer.data).toEqual({ needed: 'needed', extra: null });
  expect(answer.parts.find(({ part }) => part === 'extra')).toMatchObject({ state: 'missing', failure: { code: 'overloaded' } });
  expect([needed.asked.length, extra.asked.length]).toEqual([1, 0]);
});

test('without one, they are asked for', async () => {
  const { extra, ask } = stage();
  expect((await ask(false)).data).toEqual({ needed: 'needed', extra: 'extra' });
  expect(extra.asked).toHaveLength(1);
});

test('what a cache keeps is served even then, and as long as it would be instead of a failure; nothing is loaded behind it', async () => {
  const { extra, ask } = stage(new Cache({ bytesMax: 1_000_000 }));
  await ask(false);
  for (const [ms, state] of [[0, 'cache'], [15_000, 'stale'], [30_000, 'stale']] as const) {
    vi.advanceTimersByTime(ms);
    const answer = await ask(true);
    expect(answer.data).toEqual({ needed: 'needed', extra: 'extra' });
    expect(answer.parts.find(({ part }) => part === 'extra')?.state).toBe(state);
  }
  expect(extra.asked).toHaveLength(1);
  vi.advanceTimersByTime(40_000);
  expect((await ask(true)).data).toEqual({ needed: 'needed', extra: null });
});
