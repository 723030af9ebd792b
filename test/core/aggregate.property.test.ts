import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Answer, PartReport } from '../../src/core/answer.ts';
import { type Call, startCall } from '../../src/core/call.ts';
import { Failure } from '../../src/core/failure.ts';
import type { Landed } from '../../src/core/gathering.ts';
import { fakeTime, settled, watch, type Watched } from './fake-time.ts';
import { type Expected, expected, type Outcome } from './oracle.ts';
import { type Play, plays } from './plans.ts';
import { Stage } from './stage.ts';

fakeTime();

const clientGone = new Failure('client_gone', 'the client went away');
const longerThanAll = 1_000_000;

/** Plays everything, what comes too late included, and checks at each moment who is stopped and who is not. */
async function played<T>({ plan, goneAt }: Play, ask: (stage: Stage, call: Call) => Promise<T>): Promise<Watched<T>> {
  const stage = new Stage(plan, goneAt);
  using call = startCall(longerThanAll);
  const answer = watch(ask(stage, call));
  await settled();
  for (const moment of [...stage.moments, goneAt].toSorted((a, b) => a - b)) {
    if (moment === Infinity) break;
    await stage.until(moment);
    if (moment === goneAt) call.stop(clientGone);
    await settled();
    expect(stage.misjudged()).toEqual([]);
  }
  expect(stage.actors.filter(({ calls }) => calls.length !== 1)).toEqual([]);
  expect(vi.getTimerCount()).toBe(call.over ? 0 : 1);
  return answer.now;
}

/** Where the client leaves before it is over, it hears of nothing but that. */
const endOf = ({ at, failure }: Expected, goneAt: number) => (goneAt < at ? { at: goneAt, failure: clientGone } : { at, failure });

/** As the paper has it, which knows no names of sources. */
const plain = ({ failure, ...report }: PartReport) => ({ ...report, source: undefined, ...(failure ? { code: failure.code } : {}) });

async function expectWholeAsOnPaper(play: Play): Promise<void> {
  const paper = expected(play.plan);
  const { at, failure } = endOf(paper, play.goneAt);
  const answer: Watched<Answer<unknown>> = await played(play, ({ asked }, call) => asked('input', call));
  expect(answer).toMatchObject(failure ? { state: 'failed', atMs: at, error: failure } : { state: 'answered', atMs: at });
  if (answer.state !== 'answered') return;
  expect(answer.value.parts.map(plain)).toEqual(paper.reports);
  expect(answer.value.data).toEqual(paper.data);
  expect(JSON.parse(`{${answer.value.members()}}`)).toEqual(paper.data);
}

async function expectStreamAsOnPaper(play: Play): Promise<void> {
  const paper = expected(play.plan);
  const { at, failure } = endOf(paper, play.goneAt);
  const landed: (Landed & { readonly at: number })[] = [];
  const end = await played(play, async ({ asked }, call) => {
    const startedAt = performance.now();
    for await (const part of asked.stream('input', call)) landed.push({ ...part, at: performance.now() - startedAt });
  });
  expect(end).toMatchObject(failure ? { state: 'failed', atMs: at, error: failure } : { state: 'answered', atMs: at });
  const before = paper.landed.filter((part) => part.at < play.goneAt);
  expect(landed.map(({ name, at }) => ({ name, at }))).toEqual(before.map(({ name, at }) => ({ name, at })));
  expect(landed.map(({ reports }) => reports.map(plain))).toEqual(before.map(({ reports }) => reports));
}

const ways = [
  ['the whole answer is', expectWholeAsOnPaper],
  ['the stream is, part by part,', expectStreamAsOnPaper],
] as const;

test.each(ways)('whatever the parts do, and in whichever order, %s the one worked out on paper, when it was', async (_, expectAsOnPaper) => {
  await fc.assert(fc.asyncProperty(plays, expectAsOnPaper), { numRuns: 300 });
});

const deadline = 10;
const outcomes: readonly Outcome[] = ['answers', 'not_found', 'bad_answer', 'fails'];
// Landing early or late, before or after the other part, and before or after the deadline.
const everyPart = [true, false].flatMap((required) => [
  { required, outcome: 'throws', landsAt: 0 } as const,
  { required, outcome: 'answers', landsAt: Infinity } as const,
  ...[2, 4, 12].flatMap((landsAt) => outcomes.map((outcome) => ({ required, outcome, landsAt }))),
]);

test.each(ways)('of each two parts with all they may do, %s the one worked out on paper', async (_, expectAsOnPaper) => {
  for (const first of everyPart) {
    // A moment later, so that it is known which of them lands first.
    for (const second of everyPart.map((part) => (part.outcome === 'throws' ? part : { ...part, landsAt: part.landsAt + 1 }))) {
      await expectAsOnPaper({ plan: { deadline, parts: [first, second] }, goneAt: Infinity });
    }
  }
});
