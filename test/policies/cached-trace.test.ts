import { expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { endSpan, type Trace } from '../../src/core/trace.ts';
import { fakeTime, pass, settled, watch } from '../core/fake-time.ts';
import { recordSpans, sampledTrace, unsampledTrace } from '../core/spans.ts';
import { fleet, land, loaded, lost, onStage, staged } from './cache-stage.ts';

fakeTime();
onStage();
const ended = recordSpans();

/** Has ada's profile loaded, and asks for it again when it is stale. */
async function stale(trace: Trace) {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(10_000);
  using call = startCall(1_000, trace);
  await stage.ask('ada', call);
  return stage;
}

test.each(['answers', 'fails'])('a refresh that %s has a trace of its own, linked with that of who asked, and ends with its load', async (how) => {
  const trace = sampledTrace();
  const stage = await stale(trace);
  endSpan(trace.span);
  const { trace: own } = stage.asked[1]!.call;
  await pass(100);
  expect(ended.map(({ name }) => name)).toEqual(['GET /']);
  if (how === 'answers') land(stage.asked[1]!, 'new');
  else stage.asked[1]!.reject(lost);
  await settled();
  expect(ended.map(({ name, links }) => ({ name, links }))).toEqual([{ name: 'GET /', links: [own?.spanId] }, { name: 'refresh', links: [trace.spanId] }]);
  expect(ended[1]).toMatchObject({ parent: undefined });
});

test('a refresh for a request that is not sampled has its ids, and makes no span', async () => {
  const dark = unsampledTrace();
  const stage = await stale(dark);
  expect(stage.asked[1]!.call.trace).toBe(dark);
  land(stage.asked[1]!, 'new');
  await settled();
  expect(ended).toEqual([]);
});

test('a load lies in the trace of who asked first; who joins says so, and the two are linked', async () => {
  const stage = staged();
  const [one, other] = [sampledTrace('one'), sampledTrace('other')];
  using first = startCall(1_000, one);
  using second = startCall(1_000, other);
  const answers = [watch(stage.ask('ada', first)), watch(stage.ask('ada', second))];
  expect(stage.asked[0]!.call.trace).toBe(one);
  await pass(30);
  land(stage.asked[0]!, 1);
  await settled();
  expect(answers.map(({ now }) => now.state)).toEqual(['answered', 'answered']);
  endSpan(one.span);
  endSpan(other.span);
  const shared = { 'tributary.shared.callers': 2, 'tributary.shared.work_ms': 30 };
  expect(ended).toMatchObject([
    { attributes: { ...shared, 'tributary.shared.role': 'leader' }, links: [other.spanId] },
    { attributes: { ...shared, 'tributary.shared.role': 'follower' }, links: [one.spanId] },
  ]);
});

test('what the shared tier has stale is refreshed in one trace more, and all of them end', async () => {
  const { one, other } = fleet();
  await loaded(one, 'old');
  await pass(11_000);
  const trace = sampledTrace();
  using call = startCall(1_000, trace);
  await other.ask('ada', call);
  land(other.asked[0]!, 'new');
  await settled();
  endSpan(trace.span);
  expect(ended.map(({ name }) => name)).toEqual(['refresh', 'GET /']);
});

test('where a failure was mended with what was last good, the span of who asked says which', async () => {
  const stage = staged();
  await loaded(stage, 'old');
  await pass(30_000);
  const trace = sampledTrace('profile');
  using call = startCall(1_000, trace);
  const answer = watch(stage.ask('ada', call));
  stage.asked[1]!.reject(lost);
  await settled();
  endSpan(trace.span);
  expect([answer.now.state, ended.at(-1)?.attributes]).toMatchObject(['answered', { 'tributary.mended': 'source_failed' }]);
});
