import { z } from 'zod';
import type { Review, ReviewSummary } from '../clients/reviews.ts';
import { JsonText } from '../core/json-text.ts';
import { batched } from '../policies/batched.ts';
import { source } from '../policies/source.ts';
import type { Systems } from './systems.ts';

interface Product {
  readonly id: string;
}

const Summary = z.object({ count: z.int(), average: z.number().nullable(), histogram: z.record(z.string(), z.int()) }).meta({ id: 'ReviewSummary' });
const Latest = z.array(z.object({ id: z.int(), rating: z.int(), text: z.string(), created_at: z.iso.datetime() }).meta({ id: 'Review' }));

const none = new JsonText<ReviewSummary>('{"count": 0, "average": null, "histogram": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0}}');

/** How a product is rated. */
export const reviewSummary = ({ analytics: { reviewSummaries }, cache }: Systems) =>
  source({
    name: 'review_summary',
    answers: Summary,
    load: batched({ key: ({ id }: Product) => id, loadMany: reviewSummaries, otherwise: none }),
    guard: { slow: '1s' },
    cache: { in: cache, by: ['id'], fresh: '1m', stale: '10m', staleIfError: '60m', tags: ({ id }) => reviewSummaries.tagsOf(id) },
  });

/** The newest three. */
export const latestReviews = ({ analytics: { latestReviews: latest }, cache }: Systems) =>
  source({
    name: 'latest_reviews',
    answers: Latest,
    load: batched({ key: ({ id }: Product) => id, loadMany: latest, otherwise: new JsonText<readonly Review[]>('[]') }),
    // What is shown, and what is analysed, are the same three.
    memoise: true,
    guard: { slow: '1s' },
    cache: { in: cache, by: ['id'], fresh: '1m', stale: '10m', staleIfError: '60m', tags: ({ id }) => latest.tagsOf(id) },
  });
