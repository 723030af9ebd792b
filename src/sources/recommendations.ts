import { z } from 'zod';
import type { Clients } from '../clients/clients.ts';
import { source } from '../policies/source.ts';
import type { User } from './user.ts';

const Recommendations = z.array(z.string());

export const recommendations = ({ recommender }: Clients) =>
  source({
    name: 'recommendations',
    load: ({ user_id }: User, call) =>
      recommender.get({ path: '/recommendations', query: { user: user_id }, answer: Recommendations }, call),
    key: ({ user_id }) => user_id,
  });
