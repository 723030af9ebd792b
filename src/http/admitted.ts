import type { Caller } from '../core/access.ts';
import type { Failure } from '../core/failure.ts';
import { headerOf, type HttpContext } from './context.ts';
import type { Edge } from './edge.ts';

/** Somebody, nobody in particular, or whoever has failed to say who they are. */
type Asker = { readonly caller: Caller | undefined } | { readonly refused: unknown };

/**
 * Who asks, once their request has been counted: at once where nothing has to be waited for. Undefined for those who do not
 * say, and where nobody has to. Throws or rejects with the Failure of `edge.callerOf`, or with `rate_limited`. Whoever
 * fails to say who they are is counted for their address, so that tokens cannot be tried out as fast as they can be sent.
 */
export function admitted(c: HttpContext, edge: Edge): Caller | undefined | Promise<Caller | undefined> {
  const told = edge.callerOf(headerOf(c, 'authorization'));
  if (!(told instanceof Promise)) return counted(c, edge, { caller: told });
  return told.then((caller) => counted(c, edge, { caller }), (refused: unknown) => counted(c, edge, { refused }));
}

function counted(c: HttpContext, edge: Edge, asker: Asker): Caller | undefined | Promise<Caller | undefined> {
  const tooMany = edge.limits?.takeFor(c, 'caller' in asker ? asker.caller?.subject : undefined);
  return tooMany instanceof Promise ? tooMany.then((failure) => judged(asker, failure)) : judged(asker, tooMany);
}

function judged(asker: Asker, tooMany: Failure | undefined): Caller | undefined {
  if (tooMany) throw tooMany;
  if ('refused' in asker) throw asker.refused;
  return asker.caller;
}
