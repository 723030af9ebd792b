import { z } from 'zod';
import { aggregate, type AnswerTo } from '../core/aggregate.ts';
import { optional } from '../core/part.ts';
import type { Sources } from '../sources/sources.ts';
import { UserId } from '../sources/user.ts';

export const userOverview = ({ profile, recommendations, activity }: Sources) =>
  aggregate({
    name: 'user-overview',
    summary: 'Everything the home screen shows about one user',
    input: z.object({ user_id: UserId }),
    deadline: '2s',
    parts: {
      user_data: profile,
      recommendations: optional(recommendations, { otherwise: [] }),
      analytics: optional(activity, { otherwise: {} }),
    },
  });

export type UserOverview = AnswerTo<ReturnType<typeof userOverview>>;
