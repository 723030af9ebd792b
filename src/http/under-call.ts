import type { Access, Caller } from '../core/access.ts';
import { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { untilOver } from '../core/until-over.ts';
import { admitted } from './admitted.ts';
import { noCredentials } from './auth/refused.ts';
import { wantsReload } from './caching.ts';
import { headerOf, type HttpContext, requestOf } from './context.ts';
import type { Edge } from './edge.ts';
import { observed } from './observed.ts';
import { statedDeadlineMs } from './stated-deadline.ts';
import type { Visit } from './visit.ts';

/** Of a deadline, what is kept for writing the reply: parts are given up this much earlier. A tenth of short ones. */
const reserveMsMax = 50;

/** Between the deadline of the parts and that of the reply. */
export const graceOf = (deadlineMs: number): number => Math.min(reserveMsMax, deadlineMs / 10);

/** A caller who waits for less is not asked for: no source answers, and the reply travels, in less. */
const deadlineMsLeast = 5;

/** What is asked: an aggregate or an operation. */
export interface Endpoint {
  readonly name: string;
  readonly deadlineMs: number;
  readonly access: Access;
}

/** A request that has been let in, and its call. */
export interface Begun {
  readonly c: HttpContext;
  readonly visit: Visit;
  readonly call: Call;
  readonly caller: Caller | undefined;
  /** Between the call's deadline and the reply's. */
  readonly graceMs: number;
}

/** A reply whose work goes on behind it, and ends its call itself. */
export class GoingOn {
  readonly reply: Response;

  constructor(reply: Response) {
    this.reply = reply;
  }
}

/**
 * A handler under a call: it has the endpoint's deadline, or the earlier one of a trusted caller, and ends with the reply.
 * Who asks is known by then, and whether they had to say.
 */
export function underCall(route: string, endpoint: Endpoint, edge: Edge, answering: (begun: Begun) => Promise<Response | GoingOn>): (c: HttpContext) => Promise<Response> {
  return observed(route, edge, async (c, visit) => {
    const deadlineMs = Math.min(endpoint.deadlineMs, statedDeadlineMs(requestOf(c), edge.trusts) ?? Infinity);
    if (deadlineMs < deadlineMsLeast) throw new Failure('deadline_exceeded', `the caller waits for ${deadlineMs} ms, and no answer comes in less than ${deadlineMsLeast}`);
    const graceMs = graceOf(deadlineMs);
    const call = Call.start(deadlineMs - graceMs, visit.trace);
    call.brownout = edge.load?.brownout ?? false;
    visit.call = call;
    let goesOn = false;
    try {
      const told = admitted(c, edge);
      const caller = told instanceof Promise ? await untilOver(told, call) : told;
      visit.caller = caller;
      if (!caller && edge.wantsCaller(endpoint.access)) throw noCredentials;
      if (edge.mayReload(caller)) call.reload = wantsReload(headerOf(c, 'cache-control'));
      const reply = await answering({ c, visit, call, caller, graceMs });
      goesOn = reply instanceof GoingOn;
      return reply instanceof GoingOn ? reply.reply : reply;
    } finally {
      if (!goesOn) call.end();
    }
  });
}
