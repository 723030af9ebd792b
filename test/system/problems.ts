import { expect } from 'vitest';
import type { Reply } from '../support/http-client.ts';
import { internals } from '../support/failing.ts';

/** What a problem is expected to say; the rest of it follows from these. */
export interface ExpectedProblem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly part?: string;
  readonly issues?: readonly unknown[];
}

/** A reply is exactly this problem (RFC 9457), kept by nobody, found again by its trace, and tells nothing of what is inside. */
export function expectProblem(reply: Reply, { status, code, ...rest }: ExpectedProblem): void {
  const traceId = /^00-([0-9a-f]{32})-[0-9a-f]{16}-0[01]$/.exec(String(reply.headers['traceresponse']))?.[1];
  expect({ status: reply.status, body: reply.json, type: reply.headers['content-type'], cache: reply.headers['cache-control'] }).toEqual({
    status,
    body: { type: `urn:tributary:problem:${code.replaceAll('_', '-')}`, status, code, ...rest, trace_id: traceId },
    type: 'application/problem+json',
    cache: 'no-store',
  });
  expect(reply.text).not.toMatch(internals);
}
