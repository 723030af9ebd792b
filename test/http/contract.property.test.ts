import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { FailureCode } from '../../src/core/failure.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { fakeTime, settled, watch } from '../core/fake-time.ts';
import { type Expected, expected, type ExpectedReport } from '../core/oracle.ts';
import { type Play, plays } from '../core/plans.ts';
import { Stage } from '../core/stage.ts';
import { readNdjson, readSse } from '../support/stream-readers.ts';
import { edgeInMemory } from './in-memory.ts';

fakeTime();

// A moment is long beside what of the deadline is kept for the reply.
const unitMs = 1_000;
const reserveMs = 50;

const statuses: Partial<Record<FailureCode, number>> = { not_found: 404, source_failed: 502, bad_answer: 502, deadline_exceeded: 504 };
const statusOf = ({ failure }: Pick<Expected, 'failure'>): number => (failure ? statuses[failure.code]! : 200);

/** The reply to a request, once everything has been played to its end. */
async function replyTo({ plan }: Play, accept: string): Promise<Response> {
  const stage = new Stage(plan, Infinity, { unitMs, extraMs: reserveMs });
  const app = createRoutes(edgeInMemory().edge, { '/play': stage.asked });
  const reply = watch(Promise.resolve(app.request('/play', { headers: { accept } })));
  await settled();
  for (const moment of stage.moments) await stage.until(moment);
  await settled();
  expect(vi.getTimerCount()).toBe(0);
  return reply.now.state === 'answered' ? reply.now.value : expect.unreachable(JSON.stringify(reply.now));
}

const errors = (reports: readonly ExpectedReport[]) => reports.filter(({ state }) => state === 'missing').map(({ part, code }) => ({ part, code }));
const withoutDetail = (list: unknown) => (list as { part: string; code: string }[]).map(({ part, code }) => ({ part, code }));

test('whatever the parts do, the reply has the status, the members and the errors worked out on paper', async () => {
  await fc.assert(fc.asyncProperty(plays, async (play) => {
    const paper = expected(play.plan);
    const reply = await replyTo(play, 'application/json');
    const body = await reply.json() as Record<string, unknown>;
    expect(reply.status).toBe(statusOf(paper));
    if (paper.failure) {
      expect(body).toMatchObject({ status: statusOf(paper), ...paper.failure });
      return;
    }
    const { errors: said, ...data } = body;
    expect(data).toEqual(paper.data);
    expect(Object.keys(data)).toEqual(Object.keys(paper.data!));
    expect(said ? withoutDetail(said) : []).toEqual(errors(paper.reports!));
    expect(reply.headers.get('cache-control')).toBe(said ? 'no-store' : 'private, max-age=0');
  }), { numRuns: 150 });
});

type Event = Readonly<Record<string, unknown>>;

async function eventsOf(reply: Response, accept: string): Promise<Event[]> {
  const bytes = Readable.fromWeb(reply.body as Parameters<typeof Readable.fromWeb>[0]);
  const events: Event[] = [];
  if (accept === 'application/x-ndjson') for await (const event of readNdjson(bytes)) events.push(event as Event);
  else for await (const { event, data } of readSse(bytes)) events.push({ event, ...(JSON.parse(data) as Event) });
  return events;
}

test.each(['text/event-stream', 'application/x-ndjson'])('whatever the parts do, %s says the same, part by part', async (accept) => {
  await fc.assert(fc.asyncProperty(plays, async (play) => {
    const paper = expected(play.plan);
    const reply = await replyTo(play, accept);
    if (paper.failure && paper.landed.length === 0) {
      expect(reply.status).toBe(statusOf(paper));
      expect(await reply.json()).toMatchObject(paper.failure);
      return;
    }
    expect(reply.status).toBe(200);
    const events = await eventsOf(reply, accept);
    const last = events.pop();
    expect(events.map(({ event, part, state, data }) => ({ event, part, state, data }))).toEqual(
      paper.landed.map(({ name, value, reports: [own] }) => ({ event: 'part', part: name, state: own!.state, data: value })),
    );
    if (paper.failure) expect(last).toMatchObject({ event: 'problem', status: statusOf(paper), ...paper.failure });
    else expect({ ...last, errors: withoutDetail(last?.['errors'] ?? []) }).toMatchObject({
      event: 'end',
      complete: errors(paper.reports!).length === 0,
      parts: paper.landed.flatMap(({ reports }) => reports.map(({ part, state }) => ({ part, state }))),
      errors: errors(paper.landed.flatMap(({ reports }) => reports)),
    });
  }), { numRuns: 100 });
});
