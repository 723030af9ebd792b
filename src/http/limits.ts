import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RateLimits, Taken } from '../clients/rate-windows.ts';
import { Failure } from '../core/failure.ts';
import { rateLimited } from '../core/metrics.ts';
import { clientAddress, networkOf } from './client-address.ts';
import { type HttpContext, replyOf, requestOf } from './context.ts';
import { Outgoing } from './outgoing.ts';

/** How often each caller may ask: by who they are where that is known, else by where they are. */
export class Limits {
  /** The value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). */
  readonly policy: string;
  readonly #rates: RateLimits;
  readonly #proxyHops: number;
  readonly #message: string;

  constructor(rates: RateLimits, proxyHops: number) {
    const { count, windowMs } = rates.rate;
    this.#rates = rates;
    this.#proxyHops = proxyHops;
    this.policy = `"default";q=${count};w=${windowMs / 1_000}`;
    this.#message = `expected at most ${count} requests within ${windowMs / 1_000} s`;
  }

  /**
   * Counts a request, once: a failure `rate_limited` if it is one too many. At once or, where Redis has to be asked, a
   * promise that never rejects. `subject` is who asks; without one, who has failed to say so included, it is counted for
   * the client's address. What is left goes out with the reply.
   */
  take(request: IncomingMessage, response: ServerResponse, subject?: string): Failure | undefined | Promise<Failure | undefined> {
    // Their first letters keep a subject from being taken for an address.
    const key = subject === undefined ? `a:${networkOf(clientAddress(request, this.#proxyHops))}` : `s:${subject}`;
    const taken = this.#rates.take(key);
    return taken instanceof Promise ? taken.then((counted) => this.#judged(counted, response)) : this.#judged(taken, response);
  }

  /** The same of a request as handlers see it; in memory there is no address to count it for. */
  takeFor(c: HttpContext, subject?: string): Failure | undefined | Promise<Failure | undefined> {
    const request = requestOf(c);
    const reply = replyOf(c);
    return request && reply ? this.take(request, reply, subject) : undefined;
  }

  #judged({ used, leftMs }: Taken, response: ServerResponse): Failure | undefined {
    const { count } = this.#rates.rate;
    if (response instanceof Outgoing) response.quota = `"default";r=${Math.max(0, count - used)};t=${Math.ceil(leftMs / 1_000)}`;
    if (used <= count) return undefined;
    rateLimited.add();
    return new Failure('rate_limited', this.#message, { retryAfterMs: leftMs });
  }
}
