import { expect, test } from 'vitest';
import { Cache } from '../../src/cache/cache.ts';
import { startCall } from '../../src/core/call.ts';
import type { Duration } from '../../src/core/duration.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { batched } from '../../src/policies/batched.ts';
import { source } from '../../src/policies/source.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { recordSpans, sampledTrace } from '../core/spans.ts';
import { scripted } from '../support/scripted.ts';

fakeTime();
const ended = recordSpans();

const key = (input: string) => input;

test('without policies a source is its load: asked each time, with the call as it is', async () => {
  const { source: load, asked } = scripted<string, number>();
  const plain = source({ name: 'plain', load });
  using call = startCall(1_000);
  const answers = Promise.all([plain('a', call), plain('a', call)]);
  expect(asked.map((ask) => ask.call)).toEqual([call, call]);
  asked[0]!.resolve(1);
  asked[1]!.resolve(2);
  expect(await answers).toEqual([1, 2]);
});

test('a load that throws rejects', async () => {
  const lost = new Error('lost');
  const throwing = source({ name: 'throwing', load: (_input: string): Promise<number> => { throw lost; }, key, timeout: '1s', memoise: true });
  using call = startCall(5_000);
  await expect(throwing('a', call)).rejects.toBe(lost);
});

test('traced is outermost: who waits for a load of somebody else has a span for the wait', async () => {
  const { source: load, asked } = scripted<string, number>();
  const shared = source({ name: 'shared', load, key });
  using call = startCall(1_000, sampledTrace());
  using other = startCall(1_000, sampledTrace());
  const answers = Promise.all([shared('a', call), shared('a', other)]);
  asked[0]!.resolve(1);
  await answers;
  expect(asked).toHaveLength(1);
  expect(ended.map(({ name }) => name)).toEqual(['shared', 'shared']);
});

test('traced is above memoised: what the request knows already still shows', async () => {
  const { source: load, asked } = scripted<string, number>();
  const known = source({ name: 'known', load, key, memoise: true });
  using call = startCall(1_000, sampledTrace());
  const answer = known('a', call);
  asked[0]!.resolve(1);
  await answer;
  await known('a', call);
  expect(ended).toMatchObject([{ attributes: {} }, { attributes: { 'tributary.shared.role': 'follower' } }]);
});

test('memoised is above coalesced: requests share a load, and each knows its answer afterwards', async () => {
  const { source: load, asked } = scripted<string, number>();
  const known = source({ name: 'known', load, key, memoise: true });
  using call = startCall(1_000);
  using other = startCall(1_000);
  const answers = Promise.all([known('a', call), known('a', other)]);
  expect(asked).toHaveLength(1);
  asked[0]!.resolve(1);
  await answers;
  expect(await Promise.all([known('a', call), known('a', other)])).toEqual([1, 1]);
  expect(asked).toHaveLength(1);
});

test('coalesced is above the time-out: who comes later has what is left of it', async () => {
  const { source: load, asked } = scripted<string, number>();
  const limited = source({ name: 'limited', load, key, timeout: '300ms' });
  using call = startCall(1_000);
  using other = startCall(1_000);
  const first = watch(limited('a', call));
  await pass(200);
  const second = watch(limited('a', other));
  expect(asked).toHaveLength(1);
  await pass(100);
  expect([first.now, second.now]).toMatchObject([{ atMs: 300, error: { code: 'deadline_exceeded', message: 'no answer within 300 ms' } }, { atMs: 100 }]);
});

test('the time-out holds for who joined, when the one who asked first had less time than that', async () => {
  const { source: load } = scripted<string, number>();
  const limited = source({ name: 'limited', load, key, timeout: '300ms' });
  using hurried = startCall(200);
  using patient = startCall(5_000);
  const answers = [watch(limited('a', hurried)), watch(limited('a', patient))];
  await pass(300);
  expect(answers.map(({ now }) => now)).toMatchObject([{ state: 'failed', atMs: 200 }, { state: 'failed', atMs: 300, error: { message: 'no answer within 300 ms' } }]);
});

test('a batch is not coalesced as well: its query has the time of the asker who has most', async () => {
  const { source: loadMany, asked } = scripted<readonly string[], ReadonlyMap<string, number>>();
  const load = batched({ key, loadMany });
  const many = source({ name: 'many', load, key });
  using hurried = startCall(200);
  using patient = startCall(5_000);
  const answers = Promise.all([many('a', hurried), many('a', patient)]);
  await pass(0);
  await settled();
  expect(asked[0]!.input).toEqual(['a']);
  expect(asked[0]!.call.deadlineAt).toBe(patient.deadlineAt);
  asked[0]!.resolve(new Map([['a', 1]]));
  expect(await answers).toEqual([1, 1]);
});

test('a source that is memoised has to have a key', () => {
  expect(() => source({ name: 'profile', load: (_input: string) => Promise.resolve(1), memoise: true }))
    .toThrow(new TypeError('expected source profile to have a key, since it is memoised, but got none'));
});

test('a time-out that is no duration is refused when it is defined', () => {
  expect(() => source({ name: 'profile', load: (_input: string) => Promise.resolve(1), timeout: 'soon' as Duration }))
    .toThrow(new TypeError("expected a duration such as '250ms', '2s' or '1m', but got: soon"));
});

test('two cached sources of one name are refused: each would be served what is kept for the other', () => {
  const cache = new Cache({ bytesMax: 1_000_000 });
  const defined = (name: string, more: { in?: Cache; scope?: string } = {}) => () =>
    source({ name, load: ({ id }: { id: string }) => Promise.resolve(new JsonText(JSON.stringify(id))), cache: { in: cache, by: ['id'], fresh: '1s', ...more } });
  const spec = { name: 'twice', load: ({ id }: { id: string }) => Promise.resolve(new JsonText(JSON.stringify(id))), cache: { in: cache, by: ['id'], fresh: '1s' } } as const;
  for (const fine of [defined('one'), defined('other'), defined('one', { scope: 'v2' }), defined('one', { in: new Cache({ bytesMax: 1_000_000 }) }), () => source(spec), () => source(spec)]) {
    expect(fine).not.toThrow();
  }
  expect(defined('one')).toThrow(new TypeError('expected one cached source with the name one, but got another: each would be served what is kept for the other. It needs a name or a scope of its own'));
});
