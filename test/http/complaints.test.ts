import { expect, test } from 'vitest';
import { Failure, PartFailure } from '../../src/core/failure.ts';
import { Complaints } from '../../src/http/complaints.ts';
import { fakeTime, pass } from '../core/fake-time.ts';
import { unsampledTrace } from '../core/spans.ts';
import { keptLog } from './in-memory.ts';

fakeTime();

const trace = unsampledTrace();
const lost = new Failure('source_failed', 'the user database failed', { cause: new Error('ECONNREFUSED 10.0.0.7:5432') });

function complaining() {
  const { log, lines } = keptLog();
  return { complaints: new Complaints(log), lines };
}

test('the log says what the client is not told: the cause', () => {
  const { complaints, lines } = complaining();
  complaints.about(lost, trace, 'warn', 'user_data');
  expect(lines).toMatchObject([{
    level: 'warn', msg: 'the user database failed', code: 'source_failed', part: 'user_data', trace_id: trace.traceId, span_id: trace.spanId, err: { message: 'ECONNREFUSED 10.0.0.7:5432' },
  }]);
  expect(lines[0]).not.toHaveProperty('suppressed');
});

test('the failure of a part names its part, and one of no part none', () => {
  const { complaints, lines } = complaining();
  complaints.about(new PartFailure('user.order', lost), trace, 'error');
  complaints.about(lost, trace, 'error');
  expect(lines.map(({ level, part }) => ({ level, part }))).toEqual([{ level: 'error', part: 'user.order' }, { level: 'error', part: undefined }]);
  expect(lines[1]).not.toHaveProperty('part');
});

test('a failure without a cause tells its client everything, so there is nothing to log', () => {
  const { complaints, lines } = complaining();
  complaints.about(new Failure('not_found', 'no such user'), trace, 'warn', 'user_data');
  expect(lines).toEqual([]);
});

test('of equal failures one a second is logged, with how many were not', async () => {
  const { complaints, lines } = complaining();
  for (let ms = 0; ms < 3_000; ms += 100) {
    complaints.about(lost, trace, 'warn', 'user_data');
    await pass(100);
  }
  expect(lines.map(({ suppressed }) => suppressed)).toEqual([undefined, 9, 9]);
});

test('after a second without any, the next is logged as the first', async () => {
  const { complaints, lines } = complaining();
  complaints.about(lost, trace, 'warn', 'user_data');
  await pass(999);
  complaints.about(lost, trace, 'warn', 'user_data');
  expect(lines).toHaveLength(1);
  await pass(1);
  complaints.about(lost, trace, 'warn', 'user_data');
  await pass(1_000);
  complaints.about(lost, trace, 'warn', 'user_data');
  expect(lines.map(({ suppressed }) => suppressed)).toEqual([undefined, 1, undefined]);
});

test('failures of other parts and codes are others', () => {
  const { complaints, lines } = complaining();
  complaints.about(lost, trace, 'warn', 'user_data');
  complaints.about(lost, trace, 'warn', 'analytics');
  complaints.about(new Failure('bad_answer', 'nonsense', { cause: 1 }), trace, 'warn', 'user_data');
  expect(lines).toHaveLength(3);
});
