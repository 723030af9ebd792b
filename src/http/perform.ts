import type { StandardSchemaV1 } from '@standard-schema/spec';
import { mayDo } from '../core/access.ts';
import { Failure } from '../core/failure.ts';
import { toJson } from '../core/json-text.ts';
import type { Operation, Outcome } from '../core/operation.ts';
import { traceparent } from '../core/trace.ts';
import { untilOver } from '../core/until-over.ts';
import { roleNeeded } from './auth/refused.ts';
import { type HttpContext, requestOf, targetOf } from './context.ts';
import type { Edge } from './edge.ts';
import { inputFrom, validated } from './input.ts';
import { underCall } from './under-call.ts';

/** An operation as a handler: what it is asked is the path, the query, headers and a JSON body; its outcome is the reply. */
export function perform<In, Body, Headers, Out extends Outcome>(route: string, asked: Operation<In, Body, Headers, Out>, edge: Edge): (c: HttpContext) => Promise<Response> {
  return underCall(route, asked, edge, async ({ c, visit, call, caller, graceMs }) => {
    const input = inputFrom(targetOf(c), asked.input, c.req.param());
    // Before the body is looked at: what is wrong with it is nobody's who may not send it.
    if (edge.wantsCaller(asked.access) && !mayDo(asked.access, input, caller)) throw roleNeeded;
    const headers = asked.headers ? validated(headersOf(c), asked.headers, 'headers') : undefined;
    const body = asked.body ? await bodyOf(c, asked.body) : undefined;
    const outcome = await untilOver(asked({ input, body: body as Body, headers: headers as Headers, caller }, call), call, { graceMs });
    return replyWith(outcome, { traceresponse: traceparent(visit.trace), vary: edge.vary });
  });
}

/** What changes something is not kept, and what is answered about it is not either, unless the outcome says so. */
function replyWith({ status, body, headers = {} }: Outcome, about: Readonly<Record<string, string>>): Response {
  const all = { 'cache-control': 'no-store', ...about, ...headers };
  if (status === 204 || body === undefined) return new Response(null, { status, headers: all });
  return new Response(toJson(body), { status, headers: { 'content-type': 'application/json', ...all } });
}

function headersOf(c: HttpContext): Readonly<Record<string, unknown>> {
  return requestOf(c)?.headers ?? Object.fromEntries(c.req.raw.headers);
}

async function bodyOf<T>(c: HttpContext, schema: StandardSchemaV1<unknown, T>): Promise<T> {
  const text = await c.req.text();
  if (text === '') throw new Failure('bad_request', 'expected a JSON body, but got none');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure('bad_request', 'expected a JSON body, but got something else', { cause: error });
  }
  return validated(value, schema, 'body');
}
