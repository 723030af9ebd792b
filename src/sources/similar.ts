import { z } from 'zod';
import type { Call } from '../core/call.ts';
import { source } from '../policies/source.ts';
import { ProductId } from './product.ts';
import type { Systems } from './systems.ts';

const Ids = z.array(ProductId);

/** The ids of products that are bought by those who buy this one, best first. */
export const similar = ({ recommender, cache }: Systems) =>
  source({
    name: 'similar',
    answers: Ids,
    load: ({ id }: { readonly id: string }, call: Call) => recommender.get({ path: '/similar', query: { product: id }, answer: Ids }, call),
    guard: { slow: '1s' },
    retry: true,
    hedge: recommender.endpoints > 1,
    limit: { underWay: 64, waiting: 500 },
    cache: { in: cache, by: ['id'], fresh: '5m', stale: '60m', staleIfError: '720m', tags: ({ id }) => [`similar:${id}`] },
  });
