import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { fakeTime } from '../../core/fake-time.ts';
import { onStage } from './stage.ts';

fakeTime();

type Stage = ReturnType<typeof onStage>;

const many = (stage: Stage, count: number, headers?: Record<string, string>, address?: string) => Array.from({ length: count }, () => stage.ask(headers, address));
const letIn = (asked: readonly { readonly shed: boolean }[]): number => asked.filter(({ shed }) => !shed).length;

const background = { priority: 'u=7' };

test('however many are under way, none is shed as long as the loop is on time: they may wait for something that hangs', () => {
  using stage = onStage();
  stage.late(1);
  expect(letIn(many(stage, 5_000))).toBe(5_000);
  expect(stage.admission.limit).toBe(20);
  expect(stage.admission.brownout).toBe(false);
});

test('when the loop is late the limit holds, and not any more when it is on time again', () => {
  using stage = onStage();
  stage.late(60);
  const asked = many(stage, 100);
  expect(letIn(asked)).toBe(20);
  for (const { leave, shed } of asked) if (!shed) leave();
  expect(letIn(many(stage, 100))).toBe(20);
  stage.late(0);
  expect(letIn(many(stage, 100))).toBe(100);
});

test('a refusal says all that a client needs, and nothing is kept of it', () => {
  using stage = onStage({ inFlightMax: 1 });
  stage.ask();
  const { shed, reply } = stage.ask();
  expect(shed).toBe(true);
  expect(reply.sent?.status).toBe(503);
  const headers = Object.fromEntries(Array.from({ length: reply.sent!.headers.length / 2 }, (_, at) => reply.sent!.headers.slice(2 * at, 2 * at + 2) as [string, string]));
  expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'content-length': String(reply.sent?.body.length) });
  expect(['1', '2', '3']).toContain(headers['retry-after']);
  expect(headers['traceresponse']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  expect(JSON.parse(reply.sent!.body)).toEqual({ type: 'urn:tributary:problem:overloaded', title: 'Overloaded', status: 503, detail: expect.any(String) as string, code: 'overloaded' });
  expect(reply.listenerCount('close')).toBe(0);
  expect(reply.shouldKeepAlive).toBe(true);
  stage.edge.drain();
  expect(stage.ask().reply.shouldKeepAlive).toBe(false);
});

test('the ceiling holds whatever the load, also where nothing else does', () => {
  using stage = onStage({ adaptive: false, inFlightMax: 50 });
  stage.late(500);
  const asked = many(stage, 60);
  expect(letIn(asked)).toBe(50);
  expect(stage.admission.brownout).toBe(false);
  asked[0]!.leave();
  expect(letIn(many(stage, 2))).toBe(1);
});

test('near the ceiling optional parts are left out', () => {
  using stage = onStage({ inFlightMax: 50 });
  const asked = many(stage, 40);
  expect(stage.admission.brownout).toBe(false);
  stage.ask();
  expect(stage.admission.brownout).toBe(true);
  for (const { leave } of asked) leave();
  expect(stage.admission.brownout).toBe(false);
});

test('when there is room for all, background work has as much of it as it wants', () => {
  using stage = onStage();
  expect(letIn(many(stage, 1_000, background))).toBe(1_000);
});

test('when there is not, users have nine tenths of the limit, and background work one', () => {
  using stage = onStage();
  stage.late(60);
  // Background work was there first, and has all of it.
  const first = many(stage, 30, background);
  expect(letIn(first)).toBe(20);
  expect(letIn(many(stage, 30))).toBe(18);
  for (const { leave, shed } of first) if (!shed) leave();
  expect(letIn(many(stage, 30))).toBe(2);
  expect(letIn(many(stage, 30, background))).toBe(2);
});

test('a priority is believed of trusted callers only', () => {
  using stage = onStage();
  stage.late(60);
  many(stage, 20);
  expect(letIn(many(stage, 1, background))).toBe(1);
  using other = onStage();
  other.late(60);
  many(other, 20);
  expect(letIn(many(other, 1, background, '192.0.2.1'))).toBe(0);
});

test('optional parts are left out before requests are, and for longer', () => {
  using stage = onStage();
  many(stage, 15);
  stage.late(20);
  expect(stage.admission.brownout).toBe(false);
  stage.late(30);
  expect(stage.admission.brownout).toBe(true);
  expect(letIn(many(stage, 30))).toBe(30);
  stage.late(20);
  expect(stage.admission.brownout).toBe(true);
  stage.late(5);
  expect(stage.admission.brownout).toBe(false);
});

test('a loop that is late with few requests under way is not late because of them', () => {
  using stage = onStage();
  many(stage, 5);
  stage.late(60);
  expect(stage.admission.brownout).toBe(false);
});

test('of a turn in which all were answered it is known how many there were', () => {
  using stage = onStage();
  for (let turn = 0; turn < 20; turn++) {
    const asked = many(stage, 30);
    for (const { leave, shed } of asked) if (!shed) leave();
    stage.late(30, 1);
  }
  expect(stage.admission.inFlight).toBe(0);
  expect(stage.admission.brownout).toBe(true);
});

test.each([[{}], [background]])('a reply that goes on as a stream, asked for with %j, is no work any more, and leaves only once', (headers) => {
  using stage = onStage({ inFlightMax: 1 });
  const { reply, leave } = stage.ask(headers);
  expect(stage.ask().shed).toBe(true);
  stage.admission.released(reply as unknown as ServerResponse);
  expect(stage.admission.inFlight).toBe(0);
  stage.admission.released(reply as unknown as ServerResponse);
  leave();
  expect(stage.admission.inFlight).toBe(0);
  expect(reply.listenerCount('close')).toBe(0);
});

/** Answers that take so long, with so many under way. */
function landed({ admission }: Stage, count: number, ms: number, inFlight = 100): void {
  for (let at = 0; at < count; at++) admission.landed(ms, inFlight, false);
}

test('answers that come as fast as ever raise the limit, and a loop that is late for long lowers it', () => {
  using stage = onStage();
  landed(stage, 1_000, 10);
  const { limit } = stage.admission;
  expect(limit).toBe(100);
  stage.late(100, 60);
  expect(stage.admission.limit).toBe(20);
});

test('where answers take longer than usual, a loop that is half as late is late', () => {
  using stage = onStage();
  landed(stage, 200, 10, 0);
  stage.late(25);
  expect(letIn(many(stage, 100))).toBe(100);
  landed(stage, 10, 100, 0);
  stage.late(25);
  expect(letIn(many(stage, 1))).toBe(0);
});

test('answers that leave parts out are compared with their like', () => {
  using stage = onStage();
  landed(stage, 200, 100);
  for (let at = 0; at < 600; at++) stage.admission.landed(1, 100, true);
  const { limit } = stage.admission;
  landed(stage, 100, 100);
  expect(stage.admission.limit).toBeGreaterThan(limit);
});

test('once a second there is one line for all that were shed, and none when all is well', () => {
  using stage = onStage({ inFlightMax: 10 });
  many(stage, 30);
  stage.late(0, 50);
  expect(stage.lines).toMatchObject([{ level: 'warn', msg: 'overloaded: requests were shed', shed: 20, came: 30, under_way: 10, ready: true }]);
  using calm = onStage();
  many(calm, 30);
  calm.late(0, 500);
  expect(calm.lines).toEqual([]);
});

test('when shedding goes on and on it asks to be left alone, and is back when it is over', () => {
  using stage = onStage({ inFlightMax: 1 });
  stage.ask();
  for (let second = 0; second < 5; second++) {
    expect(stage.admission.aside).toBe(false);
    many(stage, 10);
    stage.late(0, 50);
  }
  expect(stage.admission.aside).toBe(true);
  expect(stage.lines.at(-1)).toMatchObject({ ready: false });
  stage.late(0, 150);
  expect(stage.admission.aside).toBe(false);
});
