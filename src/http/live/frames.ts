import type { PartReport } from '../../core/answer.ts';
import type { Outcome } from '../../core/live/outcome.ts';
import type { View } from '../../core/live/view.ts';
import { errorOf } from '../whole.ts';

// Server-sent events (WHATWG HTML, §9.2). Each has its data on one line.

/** A comment: it says that both are still there, and no program hears it. */
export const heartbeat = ':\n\n';

/** When browsers open the stream again after it has ended. */
export const retryFrame = (ms: number): string => `retry: ${ms}\n\n`;

/** The process ends the stream; for clients that read it by themselves it says again when to come back. */
export const endFrame = (retryMs: number): string => `retry: ${retryMs}\nevent: end\ndata: {"retry_ms":${retryMs}}\n\n`;

export const problemFrame = (problem: object): string => `event: problem\ndata: ${JSON.stringify(problem)}\n\n`;

/** A part as it is now. A required part that failed has no data: what the client has of it is outdated, and nothing takes its place. */
export function partFrame(outcome: Outcome, view: View): string {
  const { part, text, failure, reports } = outcome;
  const nested = reports.slice(1).filter(({ state }) => state === 'missing');
  const about = JSON.stringify({
    ...(reports[0] ? told(reports[0], outcome, view) : { part, state: 'missing' }),
    ...(failure ? { error: { part, code: failure.code, detail: failure.message } } : {}),
    ...(nested.length > 0 ? { errors: nested.map(errorOf) } : {}),
  });
  return `event: part\nid: ${view.id}\ndata: ${text === undefined ? about : `${about.slice(0, -1)},"data":${text}}`}\n\n`;
}

/** All parts have been told, and how they came about. */
export function currentFrame(outcomes: readonly Outcome[], view: View): string {
  const missing = outcomes.flatMap(({ reports }) => reports.filter(({ state }) => state === 'missing'));
  const data = JSON.stringify({
    complete: missing.length === 0,
    parts: outcomes.flatMap((outcome) => outcome.reports.map((report) => told(report, outcome, view))),
    ...(missing.length > 0 ? { errors: missing.map(errorOf) } : {}),
  });
  return `event: current\nid: ${view.id}\ndata: ${data}\n\n`;
}

/** A part that was loaded before this client came is one that was kept, whoever it was loaded for. */
function told({ part, state, kept }: PartReport, { landedMs }: Outcome, { joinedMs }: View): Record<string, unknown> {
  const now = performance.now();
  const age = { age_ms: Math.round(now - (kept?.storedAt ?? landedMs)) };
  if (state === 'missing') return { part, state };
  if (kept && state !== 'live' && now >= kept.freshUntil) return { part, state: 'stale', ...age };
  if (state === 'live') return joinedMs > landedMs ? { part, state: 'cache', ...age } : { part, state };
  return { part, state, ...age };
}
