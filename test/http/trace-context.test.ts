import { afterEach, expect, test, vi } from 'vitest';
import { parseTraceparent, startTrace } from '../../src/http/trace-context.ts';
import { recordSpans } from '../core/spans.ts';

const ended = recordSpans();
afterEach(() => { vi.restoreAllMocks(); });

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const header = (flags = '01') => `00-${traceId}-${spanId}-${flags}`;

test.each([
  ['sampled', `00-${traceId}-${spanId}-01`, true],
  ['not sampled', `00-${traceId}-${spanId}-00`, false],
  ['with flags that are not known yet', `00-${traceId}-${spanId}-ff`, true],
  ['with other flags only', `00-${traceId}-${spanId}-02`, false],
  ['of a later version', `01-${traceId}-${spanId}-01`, true],
  ['of a later version with more fields', `cc-${traceId}-${spanId}-00-what-the-future-will-be-like`, false],
  ['of a later version with an empty field', `cc-${traceId}-${spanId}-01-`, true],
])('a traceparent %s is read', (_, text, sampled) => {
  expect(parseTraceparent(text)).toEqual({ traceId, spanId, span: undefined, sampled });
});

test.each([
  ['empty', ''],
  ['nonsense', 'nonsense'],
  ['of the forbidden version', `ff-${traceId}-${spanId}-01`],
  ['with a version that is not hex', `0x-${traceId}-${spanId}-01`],
  ['with a version too short', `0-${traceId}-${spanId}-01`],
  ['of version 00 with more fields', `00-${traceId}-${spanId}-01-extra`],
  ['of version 00 with an empty field', `00-${traceId}-${spanId}-01-`],
  ['of a later version with more text but no dash', `cc-${traceId}-${spanId}-01.what`],
  ['without flags', `00-${traceId}-${spanId}`],
  ['with a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
  ['with a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['with a trace id too short', `00-${traceId.slice(1)}-${spanId}-01`],
  ['with a trace id too long', `00-${traceId}0-${spanId}-01`],
  ['with a span id too short', `00-${traceId}-${spanId.slice(1)}-01`],
  ['in capitals', header().toUpperCase()],
  ['with ids that are not hex', `00-${traceId.replace('0', 'g')}-${spanId}-01`],
  ['with flags too long', `00-${traceId}-${spanId}-001`],
  ['with flags that are not hex', `00-${traceId}-${spanId}-0x`],
  ['with spaces around it', ` ${header()} `],
  ['given twice', `${header()}, ${header()}`],
])('a traceparent %s is ignored', (_, text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

const sampling = (ratio: number, trustParent = false) => ({ ratio, trustParent });

test('a request that is not sampled has ids and no span', () => {
  const trace = startTrace('GET /', undefined, sampling(0));
  expect(trace).toEqual({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as string, spanId: expect.stringMatching(/^[0-9a-f]{16}$/) as string, span: undefined });
});

test('ids do not repeat, however many are needed', () => {
  const traces = Array.from({ length: 1_000 }, () => startTrace('GET /', undefined, sampling(0)));
  expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(1_000);
  expect(new Set(traces.map(({ spanId }) => spanId)).size).toBe(1_000);
  expect(traces.every(({ traceId, spanId }) => traceId.length === 32 && spanId.length === 16)).toBe(true);
});

test('a request that is sampled has a span of the server', () => {
  const trace = startTrace('GET /', undefined, sampling(1));
  trace.span?.end();
  expect(ended).toMatchObject([{ name: 'GET /', traceId: trace.traceId, spanId: trace.spanId, parent: undefined }]);
});

test('a request stays in the trace of its caller, sampled or not, with a span id of its own', () => {
  const [dark, lit] = [startTrace('GET /', header(), sampling(0)), startTrace('GET /', header(), sampling(1))];
  lit.span?.end();
  expect([dark.traceId, lit.traceId]).toEqual([traceId, traceId]);
  expect([dark.spanId, lit.spanId]).not.toContain(spanId);
  expect(ended).toMatchObject([{ parent: { traceId, spanId, isRemote: true } }]);
});

test('a traceparent that is not valid is as none', () => {
  expect(startTrace('GET /', header().toUpperCase(), sampling(0)).traceId).not.toBe(traceId);
});

test.each([
  [0.25, 0.2499, true],
  [0.25, 0.25, false],
  [0.25, 0.9, false],
  [1, 0.9999, true],
  [0, 0, false],
])('at a ratio of %d dice that show %d: sampled is %s', (ratio, dice, sampled) => {
  vi.spyOn(Math, 'random').mockReturnValue(dice);
  expect(startTrace('GET /', undefined, sampling(ratio)).span !== undefined).toBe(sampled);
});

test.each([
  ['a caller who is not trusted decides nothing', '01', sampling(0), false],
  ['a caller who is not trusted prevents nothing', '00', sampling(1), true],
  ['a caller who is trusted decides for it', '01', sampling(0, true), true],
  ['a caller who is trusted decides against it', '00', sampling(1, true), false],
])('%s', (_, flags, by, sampled) => {
  expect(startTrace('GET /', header(flags), by).span !== undefined).toBe(sampled);
});

test('where callers are trusted, a request without one is still sampled by the ratio', () => {
  expect(startTrace('GET /', undefined, sampling(1, true)).span).toBeDefined();
  expect(startTrace('GET /', undefined, sampling(0, true)).span).toBeUndefined();
});
