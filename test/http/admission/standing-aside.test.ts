import { expect, test } from 'vitest';
import { StandingAside } from '../../../src/http/admission/standing-aside.ts';

/** Whether it stands aside after each second: `x` is one in which half of the requests are shed, `.` one without any. */
function after(seconds: string, random = 0): string {
  const standing = new StandingAside(() => random);
  return seconds.split('').map((second) => {
    standing.second(second === 'x' ? 50 : 0, 100);
    return standing.aside ? 'A' : '-';
  }).join('');
}

test('it stands aside after five seconds of shedding, and not for a burst', () => {
  expect(after('xxxx.xxxx.xxxx.')).toBe('-'.repeat(15));
  expect(after('xxxxx')).toBe('----A');
});

test('not all processes of a fleet go at the same time', () => {
  expect(after('xxxxxxxxxx', 0.999)).toBe('---------A');
});

test('it is back after three calm seconds', () => {
  expect(after('xxxxx.x...')).toBe('----AAAAA-');
});

test('it is back after fifteen seconds in any case, for at least five', () => {
  expect(after('x'.repeat(30))).toBe(`----${'A'.repeat(15)}${'-'.repeat(5)}${'A'.repeat(6)}`);
});

test('a little shedding is no reason, nor is a second in which nobody came', () => {
  const standing = new StandingAside(() => 0);
  for (let second = 0; second < 20; second++) standing.second(20, 100);
  expect(standing.aside).toBe(false);
  for (let second = 0; second < 20; second++) standing.second(0, 0);
  expect(standing.aside).toBe(false);
});
