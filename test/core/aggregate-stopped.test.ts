import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type Aggregate, aggregate } from '../../src/core/aggregate.ts';
import { type Call, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import { optional } from '../../src/core/part.ts';
import { scripted } from '../support/scripted.ts';
import { fakeTime, pass, settled, watch } from './fake-time.ts';

fakeTime();

const clientGone = new Failure('client_gone', 'the client went away');

function pair() {
  const [first, second] = [scripted<string, number>(), scripted<string, number>()];
  const asked = aggregate({
    name: 'pair',
    input: z.string(),
    deadline: '1s',
    parts: { first: first.source, second: optional(second.source) },
  });
  return { first, second, asked };
}

async function drained(parts: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of parts) count++;
  return count;
}

type Asked = Aggregate<string, unknown>;
const ways = [
  ['as a whole', (asked: Asked, call: Call): Promise<unknown> => asked('42', call)],
  ['as a stream', (asked: Asked, call: Call): Promise<unknown> => drained(asked.stream('42', call))],
] as const;

test.each(ways)('%s: a call that was over before it asks nobody, and is told why', async (_, ask) => {
  const { first, second, asked } = pair();
  using call = startCall(5_000);
  call.stop(clientGone);
  await expect(ask(asked, call)).rejects.toBe(clientGone);
  expect([first.asked, second.asked]).toEqual([[], []]);
  expect(vi.getTimerCount()).toBe(0);
});

test.each(ways)('%s: a client that leaves in the middle stops all parts, even if all were optional', async (_, ask) => {
  const { first, second, asked } = pair();
  using call = startCall(5_000);
  const answer = watch(ask(asked, call));
  first.asked[0]!.resolve(1);
  await pass(10);
  call.stop(clientGone);
  await settled();
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 10, error: clientGone });
  expect(second.asked[0]!.stopped).toBe(true);
  expect(second.asked[0]!.call.reason).toBe(clientGone);
});

test.each(ways)('%s: the deadline of a shorter call is that of the parts as well', async (_, ask) => {
  const { second, asked } = pair();
  using call = startCall(300);
  const answer = watch(ask(asked, call));
  second.asked[0]!.resolve(2);
  await pass(300);
  expect(answer.now).toMatchObject({ state: 'failed', atMs: 300, error: { code: 'deadline_exceeded', part: 'first', message: 'no answer within 300 ms' } });
});

test.each(ways)('%s: a source that stops the call when it is asked is the last one asked', async (_, ask) => {
  const { first, second } = pair();
  using call = startCall(5_000);
  const asked = aggregate({
    name: 'pair',
    input: z.string(),
    deadline: '1s',
    parts: {
      first: optional((input: string, own: Call) => {
        call.stop(clientGone);
        return first.source(input, own);
      }),
      second: second.source,
    },
  });
  await expect(ask(asked, call)).rejects.toBe(clientGone);
  expect(second.asked).toEqual([]);
});

test.each(ways)('%s: sources that are deaf to their end hold nothing up, and land unheard', async (_, ask) => {
  const { first, second, asked } = pair();
  using call = startCall(5_000);
  const answer = watch(ask(asked, call));
  await pass(1_000);
  const { now } = answer;
  expect(now).toMatchObject({ state: 'failed', atMs: 1_000, error: { code: 'deadline_exceeded', part: 'first' } });
  first.asked[0]!.resolve(1);
  second.asked[0]!.reject(new Error('too late to matter'));
  await settled();
  expect(answer.now).toBe(now);
});
