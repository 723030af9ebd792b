import { z } from 'zod';
import type { HttpClient } from '../clients/http.ts';
import type { Call } from '../core/call.ts';
import { batched } from '../policies/batched.ts';
import { source } from '../policies/source.ts';
import type { Systems } from './systems.ts';
import type { User } from './user.ts';

const Recommendations = z.array(z.string());

const path = '/recommendations';

/**
 * As many as there are connections to an endpoint, so that none of them waits where it could not leave; a thousand that wait are
 * what it answers within a second or two, and nobody waits for longer.
 */
const limit = { underWay: 128, waiting: 1_000 };

export const recommendations = ({ recommender, cache }: Systems) =>
  source({
    name: 'recommendations',
    answers: Recommendations,
    load: recommender.bulk ? inBulk(recommender) : ({ user_id }: User, call: Call) => recommender.get({ path, query: { user: user_id }, answer: Recommendations }, call),
    key: ({ user_id }) => user_id,
    // It computes, and takes its time; longer than a second it hangs.
    guard: { slow: '1s' },
    // Reading changes nothing there, and a service that is rolled out resets connections.
    retry: true,
    hedge: recommender.endpoints > 1,
    // In bulk, the batch has its own bound.
    limit: recommender.bulk ? undefined : limit,
    cache: { in: cache, subject: 'user_id', fresh: '1m', stale: '10m', staleIfError: '60m', tags: ({ user_id }) => [`recommendations:${user_id}`] },
  });

/** One request for everybody who is asked about in the same turn. */
const inBulk = (recommender: HttpClient) =>
  batched({
    key: ({ user_id }: User) => user_id,
    loadMany: async (ids, call) => {
      const [id] = ids;
      // One alone is answered in the plain form.
      if (ids.length === 1 && id) return new Map([[id, await recommender.get({ path, query: { user: id }, answer: Recommendations }, call)]]);
      return recommender.getEach({ path, query: { user: ids }, answer: Recommendations }, call);
    },
    // More than of a database's queries: what such a service does for many takes longer than for one.
    inFlightMax: 8,
  });
