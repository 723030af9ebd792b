import { expect, test } from 'vitest';
import { Answer, type PartReport, valueJson } from '../../src/core/answer.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';

const report = (part: string, state: PartReport['state'] = 'live'): PartReport =>
  ({ part, state, tookMs: 1, ...(state === 'missing' ? { failure: new Failure('not_found', 'nothing there') } : {}) });

const answer = (data: Readonly<Record<string, unknown>>) => new Answer(Object.keys(data), Object.values(data), Object.keys(data).map((name) => report(name)));

test('the members are in the order of the definition, without braces', () => {
  expect(answer({ b: 1, a: [2], c: { d: 'e' } }).members()).toBe('"b":1,"a":[2],"c":{"d":"e"}');
});

test('JSON text is spliced as it is, a string is quoted, and what has no JSON is null', () => {
  const spliced = answer({ profile: new JsonText('{ "n": 1.0 }'), name: '"},{"', gone: undefined });
  expect(spliced.members()).toBe(String.raw`"profile":{ "n": 1.0 },"name":"\"},{\"","gone":null`);
});

test('a nested answer is its data', () => {
  const inner = answer({ x: new JsonText('[1, 2]'), y: answer({ z: true }) });
  expect(valueJson(inner)).toBe('{"x":[1, 2],"y":{"z":true}}');
  expect(answer({ inner, last: 1 }).members()).toBe('"inner":{"x":[1, 2],"y":{"z":true}},"last":1');
});

test('data is made once, with nested answers as their data', () => {
  const outer = answer({ inner: answer({ x: 1 }), y: [2] });
  expect(outer.data).toEqual({ inner: { x: 1 }, y: [2] });
  expect(outer.data).toBe(outer.data);
});

test('data holds what its type promises: what stands for a value is that value', () => {
  expect(answer({ profile: new JsonText('{"name":"Ada"}') }).data).toEqual({ profile: { name: 'Ada' } });
});

test('data reads back as the members do', () => {
  const given = answer({ constructor: 1, toString: 'a', inner: answer({ hasOwnProperty: null }) });
  expect(given.data).toEqual(JSON.parse(`{${given.members()}}`));
  expect(Object.keys(given.data as object)).toEqual(['constructor', 'toString', 'inner']);
});

test.each([
  ['live, from a cache and stale', ['live', 'cache', 'stale'], true],
  ['one of them missing', ['live', 'missing', 'live'], false],
] as const)('an answer with parts that are %s: complete is %s', (_, states, complete) => {
  expect(new Answer(['a', 'b', 'c'], [1, 2, 3], states.map((state, at) => report(String(at), state))).complete).toBe(complete);
});
