import { type PartReport, valueJson } from '../core/answer.ts';
import type { Call } from '../core/call.ts';
import { failureOf } from '../core/failure.ts';
import type { Landed } from '../core/gathering.ts';
import { traceparent } from '../core/trace.ts';
import type { Edge } from './edge.ts';
import type { MediaType } from './media-type.ts';
import { complain, problemBody } from './problem.ts';
import { tenths } from './tenths.ts';
import type { Visit } from './visit.ts';
import { errorOf } from './whole.ts';

/** An event as one chunk of the stream; `members` are those of its JSON object, without the braces. */
type Frame = (event: 'part' | 'end' | 'problem', members: string) => string;

const frames: Readonly<Record<Exclude<MediaType, 'application/json'>, Frame>> = {
  // Server-sent events (WHATWG HTML, §9.2): each event is one data line.
  'text/event-stream': (event, members) => `event: ${event}\ndata: {${members}}\n\n`,
  'application/x-ndjson': (event, members) => `{"event":"${event}",${members}}\n`,
};

/**
 * The reply as a stream: an event `part` for each part as it lands, then one `end` with all reports. Where a required
 * part fails before anything has been sent, the reply is a problem with its proper status; after that it is too late
 * for a status, and the closing event is `problem`. Rejects with the Failure in the first case. Ends the call with the stream.
 */
export async function streamed(
  type: Exclude<MediaType, 'application/json'>,
  parts: AsyncGenerator<Landed, void, undefined>,
  call: Call,
  visit: Visit,
  edge: Edge,
): Promise<Response> {
  const first = await parts.next();
  const chunks = chunksOf(first, parts, frames[type], visit, edge);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (!done) return controller.enqueue(encoder.encode(value));
      call.end();
      controller.close();
    },
    cancel() {
      call.end();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': type,
      'cache-control': 'no-store',
      vary: edge.vary,
      traceresponse: traceparent(visit.trace),
      // Asks nginx and those who copied it not to collect the events before passing them on.
      'x-accel-buffering': 'no',
    },
  });
}

/** Never throws: what goes wrong is the last chunk. */
async function* chunksOf(
  first: IteratorResult<Landed, void>,
  parts: AsyncGenerator<Landed, void, undefined>,
  frame: Frame,
  visit: Visit,
  edge: Edge,
): AsyncGenerator<string, void, undefined> {
  const reports: PartReport[] = [];
  const timed = edge.tellsTimes(visit.caller);
  try {
    for (let next = first; !next.done; next = await parts.next()) {
      reports.push(...next.value.reports);
      yield frame('part', partMembers(next.value, timed));
    }
    const missing = reports.filter(({ state }) => state === 'missing');
    visit.answered(reports);
    if (missing.length > 0) visit.lacks(missing);
    yield frame('end', endMembers(reports, missing, timed));
  } catch (error) {
    const failure = failureOf(error);
    visit.failure = failure;
    complain(failure, visit, edge);
    yield frame('problem', membersOf(problemBody(failure, visit, edge)));
  }
}

function partMembers({ value, reports }: Landed, timed: boolean): string {
  const [own] = reports;
  const about = { ...reportOf(own!, timed), ...(own!.failure ? { error: errorOf(own!) } : {}) };
  return `${membersOf(about)},"data":${oneLine(valueJson(value))}`;
}

/** Both forms of a stream need an event on one line. JSON may break lines between its tokens, as json_agg does, and only there. */
const oneLine = (json: string): string => json.replaceAll(/[\r\n]+/g, ' ');

function endMembers(reports: readonly PartReport[], missing: readonly PartReport[], timed: boolean): string {
  return membersOf({
    complete: missing.length === 0,
    parts: reports.map((report) => reportOf(report, timed)),
    ...(missing.length > 0 ? { errors: missing.map(errorOf) } : {}),
  });
}

/** How a part came about; one that is not live says how old it is. How long it took only those hear who are told (`timed`). */
function reportOf({ part, state, tookMs, kept }: PartReport, timed: boolean): Record<string, unknown> {
  const age = kept && state !== 'live' ? { age_ms: Math.round(performance.now() - kept.storedAt) } : {};
  return { part, state, ...(timed ? { took_ms: tenths(tookMs) } : {}), ...age };
}

const membersOf = (object: Record<string, unknown>): string => JSON.stringify(object).slice(1, -1);
