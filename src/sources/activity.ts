import { z } from 'zod';
import type { EventCounts } from '../clients/analytics.ts';
import { JsonText } from '../core/json-text.ts';
import { batched } from '../policies/batched.ts';
import { source } from '../policies/source.ts';
import type { Systems } from './systems.ts';
import type { User } from './user.ts';

export const activity = ({ analytics, cache }: Systems) =>
  source({
    name: 'activity',
    answers: z.record(z.string(), z.number()),
    load: batched({
      key: ({ user_id }: User) => user_id,
      loadMany: (userIds, call) => analytics.eventCounts(userIds, call),
      // Somebody who has done nothing yet: an answer, and not a missing one.
      otherwise: new JsonText<EventCounts>('{}'),
    }),
    // Counts of a hundred users take some tens of milliseconds.
    guard: { slow: '1s' },
    cache: { in: cache, subject: 'user_id', fresh: '30s', stale: '5m', staleIfError: '30m', tags: ({ user_id }) => analytics.tagsOf(user_id) },
  });
