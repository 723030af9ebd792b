import { expect, test } from 'vitest';
import { type Duration, toMs } from '../../src/core/duration.ts';

test.each<[Duration, number]>([
  ['250ms', 250],
  ['1ms', 1],
  ['0.5ms', 0.5],
  ['2s', 2_000],
  ['1.5s', 1_500],
  ['0.25s', 250],
  ['1m', 60_000],
  ['10m', 600_000],
])('%s are %d ms', (duration, ms) => {
  expect(toMs(duration)).toBe(ms);
});

const refused = ['', '0ms', '0s', '0.0m', '-1s', '+1s', '1', '250', 's', '2 s', ' 2s', '2s ', '2s\n', '2S', '1h', '2sec', '1e3ms', '.5s', '1.s', '1,5s', 'NaNms', 'Infinitys', '1s500ms', '٣s'];

test.each(refused)('%j is no duration, and the error says what is', (text) => {
  expect(() => toMs(text as Duration)).toThrow(new TypeError(`expected a duration such as '250ms', '2s' or '1m', but got: ${text}`));
});

test('a duration longer than a timer can hold is refused, since it would end at once', () => {
  expect(() => toMs('40000m')).toThrow(TypeError);
});
