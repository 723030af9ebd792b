import { z } from 'zod';
import { aggregate } from '../core/aggregate.ts';
import { each } from '../core/each.ts';
import { optional } from '../core/part.ts';
import { ProductId } from '../sources/product.ts';
import { excerpt } from '../sources/sentiment.ts';
import type { Sources } from '../sources/sources.ts';

const input = z.object({ id: ProductId });

/** What is said about a product. What the model makes of the latest reviews is in their order. */
const productReviews = ({ reviewSummary: summary, latestReviews: latest, sentiment }: Sources) =>
  aggregate({ name: 'product-reviews', input, deadline: '900ms', parts: { summary, latest, sentiment: optional(each(latest, ({ text }) => excerpt(text), sentiment)) } });

/** A product, what those buy who buy it, and what they say about it. */
export const productPage = (sources: Sources) =>
  aggregate({
    name: 'product-page',
    summary: 'A product, products like it, and what is said about it',
    input,
    deadline: '1s',
    access: 'public',
    parts: {
      product: sources.product,
      similar: optional(each(sources.similar, (id) => ({ id }), sources.product), { otherwise: [] }),
      reviews: optional(productReviews(sources)),
    },
  });
