import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { mayRead } from '../../core/access.ts';
import type { Aggregate } from '../../core/aggregate.ts';
import { Call } from '../../core/call.ts';
import { traceparent } from '../../core/trace.ts';
import { untilOver } from '../../core/until-over.ts';
import { admitted } from '../admitted.ts';
import { noCredentials, notAllowed } from '../auth/refused.ts';
import { headerOf, type HttpContext, replyOf, requestOf, targetOf } from '../context.ts';
import type { Edge } from '../edge.ts';
import { inputFrom } from '../input.ts';
import { observed } from '../observed.ts';
import { statedDeadlineMs } from '../stated-deadline.ts';
import type { Visit } from '../visit.ts';
import type { Streams } from './streams.ts';

/** Behind an aggregate's path: the same question, and an answer that stays true. */
export const liveSuffix = '/live';

/**
 * An aggregate as a stream of server-sent events that stays open: its parts as they land, then each part whenever it
 * changes. It begins when the required parts are there, so that until then everything that is wrong has its own status.
 */
export function serveLive<In, Data>(route: string, asked: Aggregate<In, Data>, edge: Edge, streams: Streams): (c: HttpContext) => Promise<Response> {
  return observed(route, edge, async (c, visit) => {
    // For who asks and until the reply begins; what is loaded has a deadline of its own.
    using call = Call.start(Math.min(asked.deadlineMs, statedDeadlineMs(requestOf(c), edge.trusts) ?? Infinity), visit.trace);
    visit.call = call;
    visit.aggregate = asked.name;
    const input = await permitted(c, asked, visit, call, edge);
    const stream = streams.open(visit);
    let begun = false;
    try {
      stream.watch(streams.topics.join(asked, input, stream, headerOf(c, 'last-event-id'), visit.trace));
      await untilOver(stream.begun, call);
      const headers = headersOf(visit, edge);
      // Of a reply to HEAD the head is all there is.
      if (c.req.method === 'HEAD') return new Response(null, { headers });
      const reply = replyOf(c);
      if (!reply || !('shouldKeepAlive' in reply)) throw new TypeError('expected a live answer to be asked for over a socket of HTTP/1.1');
      begun = true;
      edge.load?.released(reply);
      stream.begin(reply, headers, streams.retryMs);
      return RESPONSE_ALREADY_SENT;
    } finally {
      if (!begun) stream.leave();
    }
  });
}

/** The input, validated, once it is known who asks, and that they may. */
async function permitted<In, Data>(c: HttpContext, asked: Aggregate<In, Data>, visit: Visit, call: Call, edge: Edge): Promise<In> {
  const told = admitted(c, edge);
  const caller = told instanceof Promise ? await untilOver(told, call) : told;
  visit.caller = caller;
  if (edge.authentication && !caller && asked.access !== 'public') throw noCredentials;
  const input = inputFrom(targetOf(c), asked.input);
  if (edge.authentication) {
    visit.readers = asked.readers(input);
    if (!mayRead(visit.readers, caller)) throw notAllowed;
  }
  return input;
}

const headersOf = (visit: Visit, edge: Edge): Record<string, string> => ({
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  vary: edge.vary,
  traceresponse: traceparent(visit.trace),
  // Asks nginx and those who copied it not to collect the events before passing them on.
  'x-accel-buffering': 'no',
});
