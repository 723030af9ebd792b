import { mayRead } from '../core/access.ts';
import type { Aggregate } from '../core/aggregate.ts';
import { notAllowed, roleToRead } from './auth/refused.ts';
import { headerOf, type HttpContext, targetOf } from './context.ts';
import type { Edge } from './edge.ts';
import { inputFrom } from './input.ts';
import { mediaType } from './media-type.ts';
import { outerGuarded } from './outer-guard.ts';
import { streamed } from './stream.ts';
import { type Begun, GoingOn, graceOf, underCall } from './under-call.ts';
import { whole } from './whole.ts';

/**
 * An aggregate as a handler of GET requests: its input is the parameters of path and query, its answer JSON, or a stream
 * of parts where the client asks for one (`Accept: text/event-stream` or `application/x-ndjson`).
 */
export function serve<In, Data>(route: string, asked: Aggregate<In, Data>, edge: Edge): (c: HttpContext) => Promise<Response> {
  return underCall(route, asked, edge, async (begun) => {
    const { c, visit, call, graceMs } = begun;
    const input = questionOf(begun, asked, edge);
    const type = mediaType(headerOf(c, 'accept'));
    if (type === 'application/json') {
      return whole(await outerGuarded(asked(input, call), call, { graceMs, name: asked.name, log: edge.log }), c, route, visit, edge);
    }
    const reply = await streamed(type, asked.stream(input, call), call, visit, edge);
    // A reply to HEAD is never read, so nothing would end its stream.
    return c.req.method === 'HEAD' ? reply : new GoingOn(reply);
  });
}

/** What an aggregate is asked, validated, by whom may read the answer. Throws InvalidInput, or the failure `forbidden`. */
export function questionOf<In>({ c, visit, caller }: Begun, asked: Aggregate<In, unknown>, edge: Edge): In {
  visit.aggregate = asked.name;
  visit.partsMs = asked.deadlineMs - graceOf(asked.deadlineMs);
  const input = inputFrom(targetOf(c), asked.input, c.req.param());
  if (!edge.authentication) return input;
  // Where answers are open that holds for all but those for a role.
  visit.readers = edge.wantsCaller(asked.access) ? asked.readers(input) : 'anybody';
  if (!mayRead(visit.readers, caller)) throw typeof visit.readers === 'object' && 'role' in visit.readers ? roleToRead : notAllowed;
  return input;
}
