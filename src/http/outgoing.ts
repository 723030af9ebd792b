import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Cors } from './cors.ts';

/** Each is explained in docs/http-edge.md. Names and values by turns. A reply may have a policy of its own. */
const securityHeadersWith = (policy: string): readonly string[] => [
  'x-content-type-options', 'nosniff',
  'referrer-policy', 'no-referrer',
  'content-security-policy', policy,
  'cross-origin-resource-policy', 'same-origin',
];

export const securityHeaders = securityHeadersWith("default-src 'none'; frame-ancestors 'none'");

/** What all replies of a port have in common. */
export interface CommonHeaders {
  /** Undefined where pages of other origins read nothing. */
  readonly cors?: Cors | undefined;
  /** The value of `RateLimit-Policy`. */
  readonly ratePolicy?: string | undefined;
}

type Given = OutgoingHttpHeaders | OutgoingHttpHeader[];

/**
 * A reply that adds the common headers in the moment in which it is begun, whoever begins it: the ready lane, Hono, a
 * stream, a refusal. They are put behind the others, in one array: `setHeader` has node keep them and merge them one by one.
 */
export class Outgoing<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** The value of `RateLimit`, once the request has been counted. */
  quota: string | undefined;
  /** The value of `Content-Security-Policy` where the reply is a page; others may do nothing at all. */
  policy: string | undefined;

  /** An array that it is given is extended. */
  override writeHead(status: number, second?: string | Given, third?: Given): this {
    const given = typeof second === 'string' ? third : second;
    const headers = Array.isArray(given) ? given : listed(given);
    headers.push(...(this.policy === undefined ? securityHeaders : securityHeadersWith(this.policy)));
    this.addOwn(headers);
    return super.writeHead(status, headers);
  }

  protected addOwn(_headers: OutgoingHttpHeader[]): void {}
}

function listed(headers: OutgoingHttpHeaders | undefined): OutgoingHttpHeader[] {
  const list: OutgoingHttpHeader[] = [];
  for (const name in headers) list.push(name, headers[name]!);
  return list;
}

/** The replies of a port, as `createServer` makes them. */
export function outgoing({ cors, ratePolicy }: CommonHeaders): typeof Outgoing {
  if (!cors && ratePolicy === undefined) return Outgoing;
  return class<Request extends IncomingMessage = IncomingMessage> extends Outgoing<Request> {
    protected override addOwn(headers: OutgoingHttpHeader[]): void {
      if (cors) headers.push(...cors.headersFor(this.req.headers.origin));
      if (ratePolicy === undefined) return;
      headers.push('ratelimit-policy', ratePolicy);
      if (this.quota !== undefined) headers.push('ratelimit', this.quota);
    }
  };
}
