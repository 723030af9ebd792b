import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { aggregate } from '../../src/core/aggregate.ts';
import { callOver, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import { scripted } from '../support/scripted.ts';
import { fakeTime, pass, settled, watch } from './fake-time.ts';

fakeTime();

function trio() {
  const [a, b, c] = [scripted<string, number>(), scripted<string, number>(), scripted<string, number>()];
  const asked = aggregate({
    name: 'trio',
    input: z.string(),
    deadline: '1s',
    parts: { a: a.source, b: optional(b.source), c: optional(c.source, { otherwise: 0 }) },
  });
  return { a: a.asked, b: b.asked, c: c.asked, asked };
}

test('nothing is asked before the first part is read', async () => {
  const { a, asked } = trio();
  using call = startCall(5_000);
  const parts = asked.stream('42', call);
  await settled();
  expect(a).toEqual([]);
  await parts.return();
});

test('parts come as they land, each once, and then the end', async () => {
  const { a, b, c, asked } = trio();
  using call = startCall(5_000);
  const parts = asked.stream('42', call);
  const first = watch(parts.next());
  await pass(10);
  expect(first.now).toEqual({ state: 'pending' });
  c[0]!.resolve(3);
  await settled();
  expect(first.now).toMatchObject({ atMs: 10, value: { done: false, value: { name: 'c', value: 3, reports: [{ part: 'c', state: 'live', tookMs: 10 }] } } });
  a[0]!.resolve(1);
  b[0]!.reject(new Failure('not_found', 'nothing there'));
  await settled();
  expect(await parts.next()).toMatchObject({ value: { name: 'a', value: 1 } });
  expect(await parts.next()).toMatchObject({ value: { name: 'b', value: null, reports: [{ state: 'missing', failure: { code: 'not_found' } }] } });
  expect(await parts.next()).toEqual({ done: true, value: undefined });
  expect(vi.getTimerCount()).toBe(1);
});

test('what has landed is read before the failure of a required part is thrown', async () => {
  const { a, b, asked } = trio();
  using call = startCall(5_000);
  const parts = asked.stream('42', call);
  const first = parts.next();
  b[0]!.resolve(2);
  await settled();
  a[0]!.reject(new Failure('bad_answer', 'nonsense'));
  await settled();
  expect(await first).toMatchObject({ value: { name: 'b' } });
  await expect(parts.next()).rejects.toMatchObject({ code: 'bad_answer', part: 'a' });
  expect(await parts.next()).toEqual({ done: true, value: undefined });
});

test('at the deadline what is missing comes as well, and then the end, however slowly the reader reads', async () => {
  const { a, b, asked } = trio();
  using call = startCall(5_000);
  const parts = asked.stream('42', call);
  const first = parts.next();
  a[0]!.resolve(1);
  await pass(3_000);
  const read = [await first, await parts.next(), await parts.next(), await parts.next()];
  expect(read).toMatchObject([
    { value: { name: 'a', value: 1 } },
    { value: { name: 'b', value: null, reports: [{ state: 'missing', tookMs: 1_000 }] } },
    { value: { name: 'c', value: 0, reports: [{ state: 'missing', tookMs: 1_000 }] } },
    { done: true },
  ]);
  expect(b[0]!.call.reason?.code).toBe('deadline_exceeded');
});

test('a reader who leaves the loop stops what is left', async () => {
  const { a, b, c, asked } = trio();
  using call = startCall(5_000);
  const loop = (async () => {
    for await (const { name } of asked.stream('42', call)) return name;
    return undefined;
  })();
  a[0]!.resolve(1);
  expect(await loop).toBe('a');
  expect([b[0]!.call.reason, c[0]!.call.reason]).toEqual([callOver, callOver]);
  expect(call.over).toBe(false);
});

test('a reader who leaves the loop by an error stops what is left as well', async () => {
  const { a, b, asked } = trio();
  using call = startCall(5_000);
  const loop = watch((async () => {
    for await (const { name } of asked.stream('42', call)) throw new Error(`enough of ${name}`);
  })());
  a[0]!.resolve(1);
  await settled();
  expect(loop.now).toMatchObject({ state: 'failed', error: { message: 'enough of a' } });
  expect(b[0]!.stopped).toBe(true);
});
