import type { IncomingMessage } from 'node:http';
import type { Trusts } from './trusted.ts';

/**
 * How long the caller will wait, in milliseconds, as Envoy says it and as we say it to upstreams
 * (`x-envoy-expected-rq-timeout-ms`, whole milliseconds). Undefined where nobody says so whom we believe, or not as it has to be.
 */
export function statedDeadlineMs(request: IncomingMessage | undefined, trusts: Trusts): number | undefined {
  const stated = request?.headers['x-envoy-expected-rq-timeout-ms'];
  if (!request || typeof stated !== 'string' || !/^\d{1,9}$/.test(stated)) return undefined;
  return trusts(request) ? Number(stated) : undefined;
}
