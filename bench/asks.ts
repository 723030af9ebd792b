import type { Fixture } from './fixture/fixture.ts';
import { rowsRead, userCount } from './fixture/postgres.ts';

/** What the stores were asked for so far. */
export interface Asked {
  readonly upstream: number;
  readonly users: number;
  readonly analytics: number;
  readonly redis: number;
}

/** Exact once the service has ended: its backends tell then what they have read. */
export async function askedSoFar({ postgres, stub, redis }: Fixture): Promise<Asked> {
  const rows = await rowsRead(postgres.url);
  const { served } = await stub.control();
  return { upstream: served, ...rows, redis: (await redis?.commands()) ?? 0 };
}

/** Analytics rows of a user. */
const rowsEach = 8;

/**
 * Asked of the stub, read from each table, and commands of Redis, for each of `requests`: shows what was cached and what was
 * not. What filling `caches` caches may have asked the stores once for each user is left out.
 */
export function asksEach(before: Asked, after: Asked, requests: number, caches: number): Asked {
  const fills = caches * userCount;
  const each = (store: keyof Asked, filled: number) => Math.max(0, after[store] - before[store] - filled) / requests;
  return {
    upstream: each('upstream', fills),
    users: each('users', fills),
    analytics: each('analytics', fills * rowsEach),
    redis: each('redis', 0),
  };
}

/** A row with fewer reads than requests answered some from a cache, and is no cold path. */
export const isCold = ({ upstream, users, analytics }: Asked): boolean => upstream > 0.9 && users > 0.9 && analytics > 0.9 * rowsEach;

/** Once in fifty requests a hot row may still ask. */
export const isHot = ({ upstream, users, analytics }: Asked): boolean => Math.max(upstream, users, analytics / rowsEach) <= 1 / 50;
