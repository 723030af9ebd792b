import type { Clients } from '../clients/clients.ts';
import { batched } from '../policies/batched.ts';
import { source } from '../policies/source.ts';
import type { User } from './user.ts';

/** Whatever the users table holds about somebody: the gateway passes it on and does not look inside. */
export type Profile = Readonly<Record<string, unknown>>;

export const profile = ({ postgres }: Clients) =>
  source({
    name: 'profile',
    load: batched({
      key: ({ user_id }: User) => user_id,
      // The second cast is for a column of type json, which keeps its line breaks; jsonb has none.
      loadMany: postgres.jsonByKey<Profile>('users.id', 'select id::text, data::jsonb::text from users where id = any($1)'),
    }),
  });
