import { expect, test } from 'vitest';
import { readable } from '../../demo/dev/log-line.ts';

test('an access line is one short sentence', () => {
  const line = { level: 30, time: 1, msg: 'request', method: 'GET', route: '/api/aggregated', status: 200, duration_ms: 2.7321 };

  expect(readable(JSON.stringify({ ...line, trace_id: 'abc', missing: { recommendations: 'deadline_exceeded', analytics: 'source_failed' } }))).toEqual({
    text: '200 GET /api/aggregated 2.7 ms trace=abc missing=recommendations (deadline_exceeded), analytics (source_failed)',
    tone: 'plain',
  });
  expect(readable(JSON.stringify({ ...line, status: 504, code: 'deadline_exceeded' }))).toEqual({
    text: '504 GET /api/aggregated 2.7 ms code=deadline_exceeded',
    tone: 'error',
  });
});

test('other lines of pino keep their message and fields, without those that are always the same', () => {
  expect(readable('{"level":40,"time":1,"pid":2,"hostname":"h","msg":"redis is away","since_ms":12,"parts":["a"]}')).toEqual({
    text: 'redis is away since_ms=12 parts=["a"]',
    tone: 'warning',
  });
});

test('an error shows its stack, in lines', () => {
  expect(readable('{"level":50,"msg":"it broke","err":{"message":"no","stack":"Error: no\\n    at here"}}')).toEqual({
    text: 'it broke err=\nError: no\n    at here',
    tone: 'error',
  });
});

test.each(['listening on 8080', '', '{"half":', '[1]', '12', 'null'])('anything else stays as it came: %j', (line) => {
  expect(readable(line)).toEqual({ text: line, tone: 'plain' });
});
