import { expect, test } from 'vitest';
import { partDuration } from '../../src/core/metrics.ts';
import { read } from '../../src/process/worker-messages.ts';
import { workersIn } from '../../src/process/workers.ts';

const cores = () => 6;

test.each([['1', 1], ['3', 3], ['128', 128], ['0', 6], ['007', 7]])('WORKERS=%s makes %i workers of six cores', (text, count) => {
  expect(workersIn(text, cores)).toBe(count);
});

test.each([undefined, '', 'abc', '-1', '1.5', '129', '1e2', ' 2', '99999999999'])('WORKERS=%s supervises nobody: the service itself complains of what is not valid', (text) => {
  expect(workersIn(text, cores)).toBe(1);
});

test.each([
  { about: 'end' }, { about: 'retire' }, { about: 'listening', endsWithinMs: 5 }, { about: 'forget', tags: [] }, { about: 'forget', tags: ['users:1', 'users:*'] },
  { about: 'count' }, { about: 'count all' }, { about: 'counted', readings: [partDuration.reading] }, { about: 'all counted', readings: [] },
])('a message is understood: %j', (message) => {
  expect(read(structuredClone(message))).toEqual(message);
});

test.each([
  undefined, null, 'end', 7, [], {}, { about: 'else' }, { about: 'listening' }, { about: 'listening', endsWithinMs: '5' },
  { about: 'forget' }, { about: 'forget', tags: 'users:1' }, { about: 'forget', tags: [1] }, { cmd: 'NODE_CLUSTER' },
  { about: 'counted' }, { about: 'counted', readings: [7] }, { about: 'all counted', readings: [{ about: {} }] }, { about: 'toString' },
])('what is none is ignored: %j', (message) => {
  expect(read(message)).toBeUndefined();
});
