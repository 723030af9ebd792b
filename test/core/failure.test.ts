import { expect, test } from 'vitest';
import { Failure, failureOf, PartFailure } from '../../src/core/failure.ts';

test('a failure is an error with a code; what a driver said is its cause', () => {
  const cause = new Error('ECONNREFUSED 10.0.0.7:5432');
  const failure = new Failure('source_failed', 'the user database failed', { cause });
  expect(failure).toBeInstanceOf(Error);
  expect(failure).toMatchObject({ name: 'Failure', code: 'source_failed', message: 'the user database failed', cause, divisible: false, retryAfterMs: undefined });
});

test('a failure without a cause has none', () => {
  expect(new Failure('not_found', 'nothing there')).not.toHaveProperty('cause');
});

test('a failure is what it is', () => {
  const failure = new Failure('not_found', 'nothing there');
  expect(failureOf(failure)).toBe(failure);
});

test.each([new Error('password authentication failed for "app"'), 'a string', undefined, null, { code: 'not_found' }])(
  'what nobody foresaw, such as %o, is a failed source, and its words stay inside',
  (thrown) => {
    const failure = failureOf(thrown);
    expect(failure).toMatchObject({ code: 'source_failed', message: 'the source failed' });
    expect(failure.cause).toBe(thrown);
  },
);

test('the failure of a part keeps code, words, cause and the time to wait', () => {
  const cause = new Error('busy');
  const failure = new PartFailure('profile', new Failure('overloaded', 'too busy', { cause, retryAfterMs: 3_000 }));
  expect(failure).toMatchObject({ part: 'profile', code: 'overloaded', message: 'too busy', cause, retryAfterMs: 3_000 });
});

test('the failure of a part without a cause has the failure itself as its cause', () => {
  const why = new Failure('not_found', 'nothing there');
  expect(new PartFailure('profile', why)).toMatchObject({ cause: why, retryAfterMs: undefined });
});

test('the failure of a part never says that a batch should be asked again in halves', () => {
  expect(new PartFailure('profile', new Failure('source_failed', 'failed', { divisible: true })).divisible).toBe(false);
});
