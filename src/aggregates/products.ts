import { z } from 'zod';
import { type AnswerTo, lookup } from '../core/aggregate.ts';
import { cursorAfter } from '../sources/product-cursor.ts';
import { ProductFilter } from '../sources/product-filter.ts';
import { ProductId, productsPath } from '../sources/product.ts';
import type { Sources } from '../sources/sources.ts';

/** Anybody may keep it, and has to ask each time whether it is still so: of a change nobody hears outside this service. */
const askAgain = { 'cache-control': 'public, no-cache' };

export const productById = ({ product }: Sources) =>
  lookup({
    name: 'product',
    summary: 'One product',
    input: z.object({ id: ProductId }),
    deadline: '2s',
    access: 'public',
    source: product,
    headersOf: () => askAgain,
  });

export const listProducts = ({ productList }: Sources) =>
  lookup({
    name: 'products',
    summary: 'Products, the newest first, page by page',
    input: ProductFilter,
    deadline: '2s',
    access: 'public',
    source: productList,
    headersOf: (filter, page) => {
      const last = page.at(-1);
      // A page that is full may be the last one: then the next one is empty.
      if (!last || page.length < filter.limit) return askAgain;
      return { ...askAgain, link: `<${productsPath}?${queryOf({ ...filter, cursor: cursorAfter(last) })}>; rel="next"` };
    },
  });

export type ProductList = AnswerTo<ReturnType<typeof listProducts>>;

function queryOf(filter: ProductFilter): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, String(value));
  return query.toString();
}
