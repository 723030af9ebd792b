import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Aggregate } from '../../core/aggregate.ts';
import { traceparent } from '../../core/trace.ts';
import { untilOver } from '../../core/until-over.ts';
import { headerOf, type HttpContext, replyOf } from '../context.ts';
import type { Edge } from '../edge.ts';
import { questionOf } from '../serve.ts';
import { underCall } from '../under-call.ts';
import type { Visit } from '../visit.ts';
import type { Streams } from './streams.ts';

/** Behind an aggregate's path: the same question, and an answer that stays true. */
export const liveSuffix = '/live';

/**
 * An aggregate as a stream of server-sent events that stays open: its parts as they land, then each part whenever it
 * changes. It begins when the required parts are there, so that until then everything that is wrong has its own status.
 */
export function serveLive<In, Data>(route: string, asked: Aggregate<In, Data>, edge: Edge, streams: Streams): (c: HttpContext) => Promise<Response> {
  // The call is for who asks and until the reply begins; what is loaded has a deadline of its own.
  return underCall(route, asked, edge, async (begun) => {
    const { c, visit, call } = begun;
    const input = questionOf(begun, asked, edge);
    const stream = streams.open(visit);
    let open = false;
    try {
      stream.watch(streams.topics.join(asked, input, stream, headerOf(c, 'last-event-id'), visit.trace));
      await untilOver(stream.begun, call);
      const headers = headersOf(visit, edge);
      // Of a reply to HEAD the head is all there is.
      if (c.req.method === 'HEAD') return new Response(null, { headers });
      const reply = replyOf(c);
      if (!reply || !('shouldKeepAlive' in reply)) throw new TypeError('expected a live answer to be asked for over a socket of HTTP/1.1');
      open = true;
      edge.load?.released(reply);
      stream.begin(reply, headers, streams.retryMs);
      return RESPONSE_ALREADY_SENT;
    } finally {
      if (!open) stream.leave();
    }
  });
}

const headersOf = (visit: Visit, edge: Edge): Record<string, string> => ({
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  vary: edge.vary,
  traceresponse: traceparent(visit.trace),
  // Asks nginx and those who copied it not to collect the events before passing them on.
  'x-accel-buffering': 'no',
});
