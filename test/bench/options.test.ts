import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';

const known = { rows: ['tributary', 'rust'], workloads: ['cold', 'hot', 'slow'], usual: ['cold', 'hot'] };

test('without arguments the usual workloads are measured, with all their rows and connections of their own', () => {
  const options = parseOptions([], known);
  expect(options).toMatchObject({ workload: ['cold', 'hot'], peers: ['tributary', 'rust'], rounds: 2, 'no-pin': false });
  expect(options.connections).toBeUndefined();
});

test('an unknown row is refused by name, and so is an unknown workload', () => {
  expect(() => parseOptions(['--peers', 'rust,cobol'], known)).toThrow('--peers: expected some of tributary, rust, but got cobol');
  expect(() => parseOptions(['--workload', 'slow,lukewarm'], known)).toThrow('--workload: expected some of cold, hot, slow, but got lukewarm');
});

test.each(['0', '-1', 'many', '1.5'])('--rounds=%s is refused by its name', (value) => {
  expect(() => parseOptions([`--rounds=${value}`], known)).toThrow('--rounds');
});
