import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { type Policy, settling, stack } from '../../src/core/source.ts';
import { fakeTime } from './fake-time.ts';

fakeTime();

const thrown = new Error('thrown before there was a promise');
const throwing = (): Promise<string> => { throw thrown; };

test('a source that throws rejects instead, with what it threw', async () => {
  using call = startCall(100);
  await expect(settling(throwing, 'input', call)).rejects.toBe(thrown);
});

test('a source that promises is left alone', async () => {
  using call = startCall(100);
  const answer = Promise.resolve(1);
  expect(settling(() => answer, 'input', call)).toBe(answer);
  await answer;
});

test('the first policy named sees the call first, and absent ones are skipped', async () => {
  using call = startCall(100);
  const seen: string[] = [];
  const seeing = (name: string): Policy => (next) => (input, call) => {
    seen.push(name);
    return next(input, call);
  };
  const stacked = stack((input: string) => Promise.resolve(input.length), seeing('outer'), false, undefined, seeing('inner'));
  expect(await stacked('four', call)).toBe(4);
  expect(seen).toEqual(['outer', 'inner']);
});

test('no policy of a stack sees its load throw', async () => {
  using call = startCall(100);
  let promised = false;
  const watching: Policy = (next) => (input, call) => {
    const answer = next(input, call);
    promised = true;
    return answer;
  };
  await expect(stack(throwing, watching)('input', call)).rejects.toBe(thrown);
  expect(promised).toBe(true);
});
