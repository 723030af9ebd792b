import type { Caller } from '../../src/core/access.ts';
import type { Authentication } from '../../src/http/edge.ts';

/** A caller as a verified token would name them. */
export const caller = (subject: string, more: Partial<Caller> = {}): Caller => ({ subject, scopes: [], roles: [], readsAny: false, ...more });

export const operator: Caller = caller('ops', { roles: ['admin'], readsAny: true });

/** The header of a request that says something about who asks. */
export const asSomebody = { authorization: 'Bearer good' };

/** Who asks is decided by a function, each time anew. */
export const decided = (by: (authorization: string) => Caller | Promise<Caller>): Authentication => ({
  known: () => undefined,
  verified: async (authorization) => by(authorization),
  holds: () => true,
});
