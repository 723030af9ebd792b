import type { Answer, PartReport } from '../core/answer.ts';
import { traceparent } from '../core/trace.ts';
import { tenths } from './tenths.ts';
import type { Visit } from './visit.ts';

/** The reply with the whole answer: JSON, its members in the order of the definition, `errors` only if something is missing. */
export function whole<Data>(answer: Answer<Data>, visit: Visit): Response {
  const { parts, complete } = answer;
  const context = traceparent(visit.trace);
  const headers = {
    'content-type': 'application/json',
    // Parts are live: a private cache may keep the answer, but not as fresh. One with something missing is kept by nobody.
    'cache-control': complete ? 'private, max-age=0' : 'no-store',
    vary: 'accept',
    traceresponse: context,
    'server-timing': serverTiming(parts, context),
  };
  if (complete) return new Response(`{${answer.members()}}`, { headers });
  const missing = parts.filter(({ state }) => state === 'missing');
  visit.lacks(missing);
  return new Response(`{${answer.members()},"errors":${JSON.stringify(missing.map(errorOf))}}`, { headers });
}

/** What a client is told about a missing part. */
export function errorOf({ part, failure }: PartReport): { part: string; code: string; detail: string } {
  return { part, code: failure?.code ?? 'source_failed', detail: failure?.message ?? 'the source failed' };
}

/**
 * Server-Timing (W3C): an entry for each part with its time and, unless it is live, its state; and the trace context,
 * which is where browsers' monitoring looks for it.
 */
function serverTiming(parts: readonly PartReport[], context: string): string {
  let text = '';
  for (const { part, state, tookMs } of parts) {
    text += `${part};dur=${tenths(tookMs)}${state === 'live' ? '' : `;desc=${state}`}, `;
  }
  return `${text}traceparent;desc="${context}"`;
}
