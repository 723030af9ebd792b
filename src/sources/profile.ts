import { z } from 'zod';
import { batched } from '../policies/batched.ts';
import { source } from '../policies/source.ts';
import type { Systems } from './systems.ts';
import type { User } from './user.ts';

/** Whatever the users table holds about somebody: the gateway passes it on and does not look inside. */
export type Profile = Readonly<Record<string, unknown>>;

export const profile = ({ postgres, cache }: Systems) => {
  // The second cast is for a column of type json, which keeps its line breaks; jsonb has none.
  const users = postgres.jsonByKey<Profile>('users.id', 'select id::text, data::jsonb::text from users where id = any($1)');
  return source({
    name: 'profile',
    answers: z.record(z.string(), z.unknown()),
    load: batched({ key: ({ user_id }: User) => user_id, loadMany: users }),
    // A primary key is read in milliseconds: a second is ill, and half of what the screen has.
    guard: { slow: '1s' },
    cache: { in: cache, subject: 'user_id', fresh: '30s', stale: '5m', staleIfError: '30m', tags: ({ user_id }) => users.tagsOf(user_id) },
  });
};
