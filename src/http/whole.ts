import type { Answer, PartReport } from '../core/answer.ts';
import { etagOf } from '../core/etag.ts';
import { traceparent } from '../core/trace.ts';
import { ages, cacheControl, cacheStatus, matches } from './caching.ts';
import { headerOf, type HttpContext, requestOf } from './context.ts';
import type { Edge } from './edge.ts';
import { tenths } from './tenths.ts';
import type { Visit } from './visit.ts';

/** The reply with the whole answer: JSON, its members in the order of the definition, `errors` only if something is missing. */
export function whole<Data>(answer: Answer<Data>, c: HttpContext, route: string, visit: Visit, edge: Edge): Response {
  const { parts, complete } = answer;
  visit.answers = true;
  visit.answered(parts);
  const context = traceparent(visit.trace);
  const now = performance.now();
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    vary: edge.vary,
    traceresponse: context,
    'server-timing': serverTiming(edge.tellsTimes(visit.caller) ? parts : [], context),
  };
  if (answer.headers) Object.assign(headers, answer.headers);
  const status = cacheStatus(parts, now);
  if (status !== undefined) headers['cache-status'] = status;
  if (!complete) {
    // Kept by nobody: what is missing may be there a moment later.
    headers['cache-control'] = 'no-store';
    const missing = parts.filter(({ state }) => state === 'missing');
    visit.lacks(missing);
    return new Response(`{${answer.members()},"errors":${JSON.stringify(missing.map(errorOf))}}`, { headers });
  }
  // As text: Node joins it with the headers, and writes both at once.
  const body = answer.json();
  const etag = etagOf(body);
  const age = ages(answer.kept, now);
  headers['cache-control'] ??= cacheControl(age);
  headers['etag'] = etag;
  if (parts.some(({ state }) => state !== 'live')) headers['age'] = String(age.ageS);
  const request = requestOf(c);
  if (request?.method === 'GET' && request.url) edge.keeper?.keep({ target: request.url, route, answer, body, etag, readers: visit.readers, partsMs: visit.partsMs });
  if (!matches(headerOf(c, 'if-none-match'), etag)) return new Response(body, { headers });
  delete headers['content-type'];
  return new Response(null, { status: 304, headers });
}

/** What a client is told about a missing part. */
export function errorOf({ part, failure }: PartReport): { part: string; code: string; detail: string } {
  return { part, code: failure?.code ?? 'source_failed', detail: failure?.message ?? 'the source failed' };
}

/**
 * Server-Timing (W3C): an entry for each part with its time and, unless it is live, its state, for those who are told;
 * and the trace context for everybody, which is where browsers' monitoring looks for it.
 */
function serverTiming(parts: readonly PartReport[], context: string): string {
  let text = '';
  for (const { part, state, tookMs } of parts) {
    text += `${part};dur=${tenths(tookMs)}${state === 'live' ? '' : `;desc=${state}`}, `;
  }
  return `${text}traceparent;desc="${context}"`;
}
