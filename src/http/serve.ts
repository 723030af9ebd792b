import { mayRead } from '../core/access.ts';
import type { Aggregate } from '../core/aggregate.ts';
import { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { untilOver } from '../core/until-over.ts';
import { admitted } from './admitted.ts';
import { noCredentials, notAllowed } from './auth/refused.ts';
import { wantsReload } from './caching.ts';
import { headerOf, type HttpContext, requestOf, targetOf } from './context.ts';
import type { Edge } from './edge.ts';
import { inputFrom } from './input.ts';
import { observed } from './observed.ts';
import { mediaType } from './media-type.ts';
import { outerGuarded } from './outer-guard.ts';
import { statedDeadlineMs } from './stated-deadline.ts';
import { streamed } from './stream.ts';
import { whole } from './whole.ts';

/** Of a deadline, what is kept for writing the reply: parts are given up this much earlier. A tenth of short ones. */
const reserveMsMax = 50;

/** A caller who waits for less is not asked for: no source answers, and the reply travels, in less. */
const deadlineMsLeast = 5;

/**
 * An aggregate as a handler of GET requests: its input is the query, its answer JSON, or a stream of parts where the
 * client asks for one (`Accept: text/event-stream` or `application/x-ndjson`).
 */
export function serve<In, Data>(route: string, asked: Aggregate<In, Data>, edge: Edge): (c: HttpContext) => Promise<Response> {
  return observed(route, edge, async (c, visit) => {
    const deadlineMs = Math.min(asked.deadlineMs, statedDeadlineMs(requestOf(c), edge.trusts) ?? Infinity);
    if (deadlineMs < deadlineMsLeast) throw new Failure('deadline_exceeded', `the caller waits for ${deadlineMs} ms, and no answer comes in less than ${deadlineMsLeast}`);
    const graceMs = Math.min(reserveMsMax, deadlineMs / 10);
    const call = Call.start(deadlineMs - graceMs, visit.trace);
    call.brownout = edge.load?.brownout ?? false;
    visit.call = call;
    visit.aggregate = asked.name;
    let streaming = false;
    try {
      const told = admitted(c, edge);
      const caller = told instanceof Promise ? await untilOver(told, call) : told;
      visit.caller = caller;
      if (edge.authentication && !caller && asked.access !== 'public') throw noCredentials;
      if (edge.mayReload(caller)) call.reload = wantsReload(headerOf(c, 'cache-control'));
      const input = inputFrom(targetOf(c), asked.input);
      if (edge.authentication) {
        visit.readers = asked.readers(input);
        if (!mayRead(visit.readers, caller)) throw notAllowed;
      }
      const type = mediaType(headerOf(c, 'accept'));
      if (type === 'application/json') {
        return whole(await outerGuarded(asked(input, call), call, { graceMs, name: asked.name, log: edge.log }), c, route, visit, edge);
      }
      const reply = await streamed(type, asked.stream(input, call), call, visit, edge);
      // A reply to HEAD is never read, so nothing would end its stream.
      streaming = c.req.method !== 'HEAD';
      return reply;
    } finally {
      // A stream goes on, and ends its call itself.
      if (!streaming) call.end();
    }
  });
}
