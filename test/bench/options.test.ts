import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';

const every = ['tributary', 'rust'];

test('without arguments all services are measured', () => {
  expect(parseOptions([], every)).toMatchObject({ peers: every, rounds: 2, duration: 8, connections: 50, 'no-pin': false });
});

test('an unknown service is refused by name', () => {
  expect(() => parseOptions(['--peers', 'rust,cobol'], every)).toThrow('expected some of tributary, rust, but got cobol');
});

test.each(['0', '-1', 'many', '1.5'])('--rounds=%s is refused by its name', (value) => {
  expect(() => parseOptions([`--rounds=${value}`], every)).toThrow('--rounds');
});
