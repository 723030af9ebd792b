import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

/** A request as handlers see it. `env` is undefined where the app is asked in memory, without a server. */
export type HttpContext = Context<{ Bindings: Partial<HttpBindings> }>;

function bindings({ env }: { readonly env?: Partial<HttpBindings> }): Partial<HttpBindings> {
  return env ?? {};
}

/** A request header, read where Node has parsed it already: Hono's own way makes a Headers object for each request. */
export function headerOf(c: HttpContext, name: 'accept' | 'authorization' | 'cache-control' | 'if-none-match' | 'last-event-id' | 'traceparent'): string | undefined {
  const { incoming } = bindings(c);
  return incoming ? (incoming.headers[name] as string | undefined) : c.req.header(name);
}

/** The request's target with its query, and without a scheme and a host on a socket. */
export const targetOf = (c: HttpContext): string => bindings(c).incoming?.url ?? c.req.url;

/** Node's reply, on a socket. */
export const replyOf = (c: HttpContext): HttpBindings['outgoing'] | undefined => bindings(c).outgoing;

/** Node's request, on a socket. */
export const requestOf = (c: HttpContext): HttpBindings['incoming'] | undefined => bindings(c).incoming;
